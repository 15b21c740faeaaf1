#include "collector/query/query.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/query/parser.h"
#include "common/base/mem.h"

/* Far above what QUERY_BYTES_MAX and QUERY_TERMS_MAX can need. */
#define QUERY_ARENA_BYTES (1u << 20)

struct node *parser_complain(struct parser *parser, size_t at, const char *format, ...)
{
	char sentence[REASON_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	fail(parser->why, ERR_FORMAT, "column %zu: %s", lex_column(&parser->lex, at), sentence);
	return NULL;
}

struct node *parser_new_node(struct parser *parser, enum node_kind kind)
{
	struct node *node = arena_alloc_zeroed(parser->arena, 1, sizeof(*node));
	if (!node)
		return parser_complain(parser, parser->lex.at, "the query is too large");
	node->kind = kind;
	return node;
}

struct node *parser_negate(struct parser *parser, struct node *inner)
{
	struct node *node = parser_new_node(parser, NODE_NOT);
	if (!node)
		return NULL;
	node->first = inner;
	node->asks_index = inner->asks_index;
	return node;
}

static struct node *take_or(struct parser *parser);

static struct node *take_group(struct parser *parser)
{
	size_t at = parser->lex.at;
	if (++parser->depth > QUERY_DEPTH_MAX)
		return parser_complain(
		        parser, at, "at most %d parentheses inside each other", QUERY_DEPTH_MAX);
	lex_take_char(&parser->lex, '(');
	struct node *inner = take_or(parser);
	if (!inner)
		return NULL;
	lex_skip_spaces(&parser->lex);
	if (!lex_take_char(&parser->lex, ')'))
		return parser_complain(parser, parser->lex.at,
		        "expected ')' for the '(' in column %zu", lex_column(&parser->lex, at));
	parser->depth--;
	return inner;
}

static bool take_minus(struct lex *lex)
{
	struct lex ahead = *lex;
	if (!lex_take_char(&ahead, '-') || lex_is_at_end(&ahead) || lex_peek(&ahead) == ' ')
		return false;
	*lex = ahead;
	return true;
}

static struct node *take_not(struct parser *parser)
{
	bool is_negated = false;
	lex_skip_spaces(&parser->lex);
	while (take_minus(&parser->lex) || lex_take_keyword(&parser->lex, "NOT")) {
		is_negated = !is_negated;
		lex_skip_spaces(&parser->lex);
	}
	struct node *inner = lex_peek(&parser->lex) == '(' ? take_group(parser)
	                                                   : parser_take_term(parser);
	if (!inner || !is_negated)
		return inner;
	return inner->kind == NODE_NOT ? inner->first : parser_negate(parser, inner);
}

/* A group of one is that one; a group within a group of its kind opens up. */
static struct node *append_child(struct node *group, struct node *child)
{
	struct node **end = &group->first;
	while (*end)
		end = &(*end)->next;
	*end = child->kind == group->kind ? child->first : child;
	group->asks_index |= child->asks_index;
	return group;
}

/* NULL after a complaint. */
static struct node *new_group(struct parser *parser, enum node_kind kind, struct node *first)
{
	struct node *group = parser_new_node(parser, kind);
	if (group)
		append_child(group, first);
	return group;
}

static struct node *take_and(struct parser *parser)
{
	struct node *first = take_not(parser);
	struct node *group = NULL;
	while (first) {
		lex_skip_spaces(&parser->lex);
		bool has_and = lex_take_keyword(&parser->lex, "AND");
		if (!has_and && (lex_is_at_end(&parser->lex) || lex_peek(&parser->lex) == ')' ||
		                        lex_sees_keyword(&parser->lex, "OR")))
			return group ? group : first;
		struct node *child = take_not(parser);
		if (!child)
			return NULL;
		if (!group)
			group = new_group(parser, NODE_AND, first);
		if (!group)
			return NULL;
		append_child(group, child);
	}
	return NULL;
}

static struct node *take_or(struct parser *parser)
{
	struct node *first = take_and(parser);
	struct node *group = NULL;
	while (first) {
		lex_skip_spaces(&parser->lex);
		if (!lex_take_keyword(&parser->lex, "OR"))
			return group ? group : first;
		struct node *child = take_and(parser);
		if (!child)
			return NULL;
		if (!group)
			group = new_group(parser, NODE_OR, first);
		if (!group)
			return NULL;
		append_child(group, child);
	}
	return NULL;
}

static int take_all(struct parser *parser, struct node **out)
{
	lex_skip_spaces(&parser->lex);
	*out = NULL;
	if (lex_is_at_end(&parser->lex))
		return 0;
	struct node *root = take_or(parser);
	if (!root)
		return ERR_FORMAT;
	lex_skip_spaces(&parser->lex);
	if (!lex_is_at_end(&parser->lex)) {
		parser_complain(parser, parser->lex.at, "unexpected ')'");
		return ERR_FORMAT;
	}
	*out = root;
	return 0;
}

int query_parse(
        struct slice text, enum query_about about, struct query **out, struct reason *out_why)
{
	if (text.len > QUERY_BYTES_MAX)
		return fail(out_why, ERR_FORMAT, "the query has %zu bytes: at most %d are taken",
		        text.len, QUERY_BYTES_MAX);
	struct query *query = mem_new(sizeof(*query));
	query->about = about;
	query->arena = arena_new(QUERY_ARENA_BYTES);
	struct parser parser = {
	        .lex = {.text = text}, .about = about, .arena = query->arena, .why = out_why};
	int rc = take_all(&parser, &query->root);
	if (rc < 0) {
		query_free(query);
		return rc;
	}
	*out = query;
	return 0;
}

void query_free(struct query *query)
{
	if (!query)
		return;
	arena_free(query->arena);
	free(query);
}
