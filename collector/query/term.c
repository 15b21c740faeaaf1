#include "collector/query/query.h"

#include "collector/query/field.h"
#include "collector/query/parser.h"
#include "common/base/text.h"

/* --- values -------------------------------------------------------------------------------- */

static bool take_value(struct parser *parser, bool ends_at_op, size_t term_at, struct pattern *out)
{
	struct lex *lex = &parser->lex;
	struct query_shown shown;
	struct slice before = slice_of(lex->text.ptr + term_at, lex->at - term_at);
	switch (lex_take_value(lex, ends_at_op, parser->arena, out)) {
	case LEX_OK:
		return true;
	case LEX_NOTHING:
		parser_complain(parser, lex->at, "expected a value after '%s'",
		        query_show(text_trim(before), &shown));
		return false;
	case LEX_UNCLOSED:
		parser_complain(parser, lex->at, "this quote is never closed");
		return false;
	case LEX_FULL:
		parser_complain(parser, lex->at, "the query is too large");
		return false;
	}
	return false;
}

typedef const char *name_fn(unsigned number);

static const char *action_word(unsigned number)
{
	return number <= ACTION_MAX ? event_action_name(number) : NULL;
}

static const char *cause_word(unsigned number)
{
	return number <= CAUSE_MAX ? event_cause_name(number) : NULL;
}

static const char *kind_word(unsigned number)
{
	static const char *const OTHERS[] = {"file", "agent", "transaction"};
	if (number <= FACT_KIND_MAX)
		return fact_kind_name(number);
	number -= FACT_KIND_MAX + 1;
	return number < sizeof(OTHERS) / sizeof(OTHERS[0]) ? OTHERS[number] : NULL;
}

/* By number from 1, as the others. */
static const char *explained_word(unsigned number)
{
	return number <= EXPLAINED_MAX + 1 ? explained_state_name(number - 1) : NULL;
}

/* A pattern that can match none of the words is a slip of the pen. */
static bool check_word(struct parser *parser, size_t at, const struct query_field_row *row,
        const struct pattern *value)
{
	enum query_field field = row->field;
	name_fn *word = field == FIELD_ACTION      ? action_word
	                : field == FIELD_CAUSE     ? cause_word
	                : field == FIELD_EXPLAINED ? explained_word
	                                           : kind_word;
	struct buf list = BUF_INIT;
	for (unsigned number = 1; word(number); number++) {
		if (pattern_matches(value, slice_text(word(number)))) {
			buf_fini(&list);
			return true;
		}
		buf_printf(&list, "%s%s", list.len ? ", " : "", word(number));
	}
	struct query_shown shown;
	parser_complain(parser, at, "unknown %s '%s': it is one of %s", row->name,
	        query_show(value->glob, &shown), buf_text(&list));
	buf_fini(&list);
	return false;
}

/* --- comparisons --------------------------------------------------------------------------- */

static bool take_number(
        struct parser *parser, size_t at, const char *name, struct constraint *constraint)
{
	struct slice text = constraint->value.literal;
	constraint->is_number = true;
	if (text.ptr && text_parse_u64(text, UINT64_MAX, &constraint->number))
		return true;
	parser_complain(parser, at, "expected a number for '%s'", name);
	return false;
}

static bool is_order(enum compare_op op)
{
	return op != OP_LIKE && op != OP_EQUAL && op != OP_NOT_EQUAL;
}

/* What the operator means for a value of this shape. */
static bool settle_op(struct parser *parser, size_t at, const struct query_field_row *row,
        struct constraint *constraint)
{
	bool has_wildcard = !constraint->value.literal.ptr;
	bool is_text = row->shape == SHAPE_TEXT && !is_order(constraint->op);
	if (has_wildcard && constraint->op == OP_EQUAL && row->shape == SHAPE_ORDER)
		constraint->op = OP_LIKE;
	if (row->shape == SHAPE_NUMBER) {
		if (constraint->op == OP_LIKE)
			constraint->op = OP_EQUAL;
		return take_number(parser, at, row->name, constraint);
	}
	if (has_wildcard && constraint->op != OP_LIKE && !is_text) {
		parser_complain(parser, at, "wildcards cannot be compared with '%s'",
		        query_op_text(constraint->op));
		return false;
	}
	return row->shape == SHAPE_ORDER || is_text ||
	       take_number(parser, at, row->name, constraint);
}

/* ':' or an operator, the value, and what both mean together. */
static struct constraint *take_constraint(
        struct parser *parser, const struct query_field_row *row, size_t term_at)
{
	struct lex *lex = &parser->lex;
	struct constraint *constraint = arena_alloc_zeroed(parser->arena, 1, sizeof(*constraint));
	if (!constraint) {
		parser_complain(parser, lex->at, "the query is too large");
		return NULL;
	}
	if (!lex_take_char(lex, ':')) {
		lex_take_op(lex, &constraint->op);
		lex_skip_spaces(lex);
	}
	size_t at = lex->at;
	if (!take_value(parser, false, term_at, &constraint->value))
		return NULL;
	return settle_op(parser, at, row, constraint) ? constraint : NULL;
}

/* "package:NAME<V": the operator behind the name; or "version<V", "AND version<V": the name of
 * another field of the fact. */
static bool sees_constraint(
        struct parser *parser, const struct term *term, bool is_first, unsigned *out_field)
{
	struct lex ahead = parser->lex;
	enum compare_op op;
	struct slice name;
	*out_field = PACKAGE_VERSION;
	if (is_first && term->row->shape == SHAPE_PACKAGE && lex_take_op(&ahead, &op))
		return true;
	ahead = parser->lex;
	lex_skip_spaces(&ahead);
	if (lex_take_keyword(&ahead, "AND"))
		lex_skip_spaces(&ahead);
	if (!lex_take_name(&ahead, &name) || !query_field_constrains(term->row, name, out_field))
		return false;
	struct lex behind = ahead;
	if (lex_peek(&ahead) != ':' && !lex_take_op(&behind, &op))
		return false;
	parser->lex = ahead;
	return true;
}

static bool take_constraints(struct parser *parser, struct term *term, size_t term_at)
{
	struct constraint **end = &term->constraints;
	unsigned field;
	while (sees_constraint(parser, term, end == &term->constraints, &field)) {
		if (++parser->terms > QUERY_TERMS_MAX) {
			parser_complain(
			        parser, parser->lex.at, "at most %d terms", QUERY_TERMS_MAX);
			return false;
		}
		bool is_version = query_field_is_version(term->row->kind, field);
		struct query_field_row row = {.name = fact_field_name(term->row->kind, field),
		        .shape = is_version ? SHAPE_ORDER : SHAPE_TEXT};
		*end = take_constraint(parser, &row, term_at);
		if (!*end)
			return false;
		(*end)->field = field;
		end = &(*end)->next;
	}
	return true;
}

/* --- one term ------------------------------------------------------------------------------ */

static struct node *new_term(struct parser *parser, const struct query_field_row *row)
{
	struct node *node = parser_new_node(parser, NODE_TERM);
	if (!node)
		return NULL;
	if (++parser->terms > QUERY_TERMS_MAX)
		return parser_complain(parser, parser->lex.at, "at most %d terms", QUERY_TERMS_MAX);
	node->term = arena_alloc_zeroed(parser->arena, 1, sizeof(*node->term));
	if (!node->term)
		return parser_complain(parser, parser->lex.at, "the query is too large");
	node->term->field = row->field;
	node->term->row = row;
	node->asks_index = row->is_of_host;
	return node;
}

/* The one name of facts that the term is about, if the row has such. */
static bool take_pair_name(struct parser *parser, struct term *term, struct slice name)
{
	const struct query_field_row *row = term->row;
	struct slice pair = row->pair ? slice_text(row->pair) : query_field_named(row, name);
	if (!pair.ptr)
		return true;
	term->name = arena_copy(parser->arena, pair);
	return term->name.ptr != NULL;
}

/* "os:debian", and "os=debian", "os!=debian" for those who are used to them. */
static struct node *take_text(struct parser *parser, const struct query_field_row *row,
        struct node *node, size_t term_at, struct slice name)
{
	struct lex *lex = &parser->lex;
	enum compare_op op = OP_LIKE;
	if (!lex_take_char(lex, ':')) {
		size_t op_at = lex->at;
		lex_take_op(lex, &op);
		if (op != OP_EQUAL && op != OP_NOT_EQUAL)
			return parser_complain(parser, op_at, "'%s' has no order: write %s:VALUE",
			        row->name, row->name);
		lex_skip_spaces(lex);
	}
	struct term *term = node->term;
	size_t value_at = lex->at;
	if (!take_value(parser, row->shape == SHAPE_PACKAGE, term_at, &term->value))
		return NULL;
	if (row->shape == SHAPE_WORDS && !check_word(parser, value_at, row, &term->value))
		return NULL;
	if (!take_pair_name(parser, term, name))
		return parser_complain(parser, term_at, "the query is too large");
	if (!take_constraints(parser, term, term_at))
		return NULL;
	return op == OP_NOT_EQUAL ? parser_negate(parser, node) : node;
}

static struct node *take_word(struct parser *parser)
{
	struct node *node = new_term(parser, query_field_find(QUERY_HOSTS, slice_text("package")));
	if (!node)
		return NULL;
	node->term->field = FIELD_WORD;
	return take_value(parser, false, parser->lex.at, &node->term->value) ? node : NULL;
}

static struct node *complain_no_term(struct parser *parser)
{
	struct lex *lex = &parser->lex;
	struct query_shown shown;
	struct slice rest = slice_of(lex->text.ptr + lex->at, lex->text.len - lex->at);
	if (lex_is_at_end(lex))
		return parser_complain(parser, lex->at, "expected a term at the end");
	return parser_complain(
	        parser, lex->at, "expected a term before '%s'", query_show(rest, &shown));
}

struct node *parser_take_term(struct parser *parser)
{
	struct lex *lex = &parser->lex;
	struct slice name;
	enum compare_op op;
	size_t at = lex->at;
	if (lex_peek(lex) == '"' || lex_peek(lex) == '/')
		return take_word(parser);
	if (lex_sees_keyword(lex, "AND") || lex_sees_keyword(lex, "OR") ||
	        !lex_take_name(lex, &name))
		return complain_no_term(parser);
	struct lex behind = *lex;
	if (lex_peek(lex) != ':' && !lex_take_op(&behind, &op)) {
		lex->at = at;
		return take_word(parser);
	}
	const struct query_field_row *row = query_field_find(parser->about, name);
	if (!row)
		return query_field_complain(parser, at, name);
	if (row->field == FIELD_VERSION)
		return parser_complain(parser, at,
		        "'version' stands directly behind a package, as "
		        "in package:openssl version<3.0.15");
	struct node *node = new_term(parser, row);
	if (!node)
		return NULL;
	if (row->shape != SHAPE_ORDER && row->shape != SHAPE_NUMBER)
		return take_text(parser, row, node, at, name);
	node->term->constraints = take_constraint(parser, row, at);
	return node->term->constraints ? node : NULL;
}
