#include "collector/query/field.h"

const char *query_op_text(enum compare_op op)
{
	static const char *const texts[] = {
	        [OP_LIKE] = ":",
	        [OP_LESS] = "<",
	        [OP_LESS_EQUAL] = "<=",
	        [OP_EQUAL] = "=",
	        [OP_NOT_EQUAL] = "!=",
	        [OP_GREATER_EQUAL] = ">=",
	        [OP_GREATER] = ">",
	};
	return texts[op];
}

/* Quoted, so that the lexer reads the same pattern back: it knows no escape of '[', which only
 * glob_matches needs. */
static void print_pattern(const struct pattern *pattern, struct buf *out)
{
	struct slice glob = pattern->glob;
	buf_append_byte(out, '"');
	for (size_t i = 0; i < glob.len; i++) {
		uint8_t c = glob.ptr[i];
		bool is_escape = c == '\\' && i + 1 < glob.len;
		if (is_escape && glob.ptr[i + 1] == '[')
			continue;
		if (c == '"')
			buf_append_byte(out, '\\');
		buf_append_byte(out, c);
		if (is_escape)
			buf_append_byte(out, glob.ptr[++i]);
	}
	buf_append_byte(out, '"');
}

static void print_constraint(const struct constraint *constraint, struct buf *out)
{
	buf_append_text(out, query_op_text(constraint->op));
	print_pattern(&constraint->value, out);
}

static void print_field(const struct term *term, struct buf *out)
{
	const struct query_field_row *row = term->row;
	size_t len = strlen(row->name);
	if (term->name.ptr && !row->pair)
		len -= strlen(QUERY_NAMED) - 1;
	buf_append(out, row->name, len);
	if (term->name.ptr && !row->pair)
		buf_append_slice(out, term->name);
}

/* With the dot, which no field needs less than another; "version" is understood without. */
static void print_fact_constraint(
        const struct term *term, const struct constraint *constraint, struct buf *out)
{
	const char *name = fact_field_name(term->row->kind, constraint->field);
	bool is_version = term->row->kind == FACT_PACKAGE && constraint->field == PACKAGE_VERSION;
	buf_printf(out, is_version ? " %s" : " .%s", name);
	print_constraint(constraint, out);
}

static void print_term(const struct term *term, struct buf *out)
{
	const struct constraint *constraint = term->constraints;
	if (term->field != FIELD_WORD)
		print_field(term, out);
	if (term->field == FIELD_KERNEL || term->field == FIELD_SEQ) {
		print_constraint(constraint, out);
		return;
	}
	if (term->field != FIELD_WORD)
		buf_append_byte(out, ':');
	print_pattern(&term->value, out);
	for (; constraint; constraint = constraint->next)
		print_fact_constraint(term, constraint, out);
}

static void print_node(const struct node *node, struct buf *out)
{
	if (node->kind == NODE_TERM) {
		print_term(node->term, out);
		return;
	}
	if (node->kind == NODE_NOT) {
		buf_append_text(out, "NOT ");
		print_node(node->first, out);
		return;
	}
	buf_append_byte(out, '(');
	for (const struct node *child = node->first; child; child = child->next) {
		if (child != node->first)
			buf_append_text(out, node->kind == NODE_AND ? " AND " : " OR ");
		print_node(child, out);
	}
	buf_append_byte(out, ')');
}

void query_print(const struct query *query, struct buf *out)
{
	if (query->root)
		print_node(query->root, out);
}
