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
static bool check_word(
        struct parser *parser, size_t at, enum query_field field, const struct pattern *value)
{
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
	parser_complain(parser, at, "unknown %s '%s': it is one of %s", query_field_name(field),
	        query_show(value->glob, &shown), buf_text(&list));
	buf_fini(&list);
	return false;
}

/* --- comparisons --------------------------------------------------------------------------- */

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
	struct pattern *value = &constraint->value;
	if (!take_value(parser, false, term_at, value))
		return NULL;
	bool has_wildcard = !value->literal.ptr;
	if (has_wildcard && constraint->op == OP_EQUAL && row->shape == SHAPE_ORDER)
		constraint->op = OP_LIKE;
	if (row->shape == SHAPE_NUMBER) {
		if (constraint->op == OP_LIKE)
			constraint->op = OP_EQUAL;
		if (!value->literal.ptr ||
		        !text_parse_u64(value->literal, UINT64_MAX, &constraint->number)) {
			parser_complain(parser, at, "expected a number for '%s'", row->name);
			return NULL;
		}
	} else if (has_wildcard && constraint->op != OP_LIKE) {
		parser_complain(parser, at, "wildcards cannot be compared with '%s'",
		        query_op_text(constraint->op));
		return NULL;
	}
	return constraint;
}

/* "package:NAME<V": the operator behind the name; or "version<V", "AND version<V". */
static bool sees_version(struct parser *parser, bool is_first)
{
	struct lex ahead = parser->lex;
	enum compare_op op;
	struct slice name;
	if (is_first && lex_take_op(&ahead, &op))
		return true;
	ahead = parser->lex;
	lex_skip_spaces(&ahead);
	if (lex_take_keyword(&ahead, "AND"))
		lex_skip_spaces(&ahead);
	if (!lex_take_name(&ahead, &name) || !slice_is(name, "version"))
		return false;
	struct lex behind = ahead;
	if (lex_peek(&ahead) != ':' && !lex_take_op(&behind, &op))
		return false;
	parser->lex = ahead;
	return true;
}

static bool take_versions(struct parser *parser, struct term *term, size_t term_at)
{
	static const struct query_field_row version = {"version", FIELD_VERSION, SHAPE_ORDER, true};
	struct constraint **end = &term->constraints;
	while (sees_version(parser, end == &term->constraints)) {
		if (++parser->terms > QUERY_TERMS_MAX) {
			parser_complain(
			        parser, parser->lex.at, "at most %d terms", QUERY_TERMS_MAX);
			return false;
		}
		*end = take_constraint(parser, &version, term_at);
		if (!*end)
			return false;
		end = &(*end)->next;
	}
	return true;
}

/* --- one term ------------------------------------------------------------------------------ */

static struct node *new_term(struct parser *parser, enum query_field field)
{
	struct node *node = parser_new_node(parser, NODE_TERM);
	if (!node)
		return NULL;
	if (++parser->terms > QUERY_TERMS_MAX)
		return parser_complain(parser, parser->lex.at, "at most %d terms", QUERY_TERMS_MAX);
	node->term = arena_alloc_zeroed(parser->arena, 1, sizeof(*node->term));
	if (!node->term)
		return parser_complain(parser, parser->lex.at, "the query is too large");
	node->term->field = field;
	node->asks_index = field == FIELD_OS || field == FIELD_KERNEL || field == FIELD_ARCH ||
	                   field == FIELD_LABEL;
	return node;
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
	if (row->shape == SHAPE_WORDS && !check_word(parser, value_at, row->field, &term->value))
		return NULL;
	if (row->field == FIELD_LABEL) {
		size_t prefix = strlen(QUERY_LABEL_PREFIX);
		term->label = arena_copy(
		        parser->arena, slice_of(name.ptr + prefix, name.len - prefix));
		if (!term->label.ptr)
			return parser_complain(parser, term_at, "the query is too large");
	}
	if (row->shape == SHAPE_PACKAGE && !take_versions(parser, term, term_at))
		return NULL;
	if (op != OP_NOT_EQUAL)
		return node;
	struct node *negated = parser_new_node(parser, NODE_NOT);
	if (negated) {
		negated->first = node;
		negated->asks_index = node->asks_index;
	}
	return negated;
}

static struct node *take_word(struct parser *parser)
{
	struct node *node = new_term(parser, FIELD_WORD);
	if (!node || !take_value(parser, false, parser->lex.at, &node->term->value))
		return NULL;
	return node;
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
	struct node *node = new_term(parser, row->field);
	if (!node)
		return NULL;
	if (row->shape != SHAPE_ORDER && row->shape != SHAPE_NUMBER)
		return take_text(parser, row, node, at, name);
	node->term->constraints = take_constraint(parser, row, at);
	return node->term->constraints ? node : NULL;
}
