/*
 * parser - where the parser of a query stands. Private to collector/query.
 *
 * parse.c reads groups, term.c one term. Functions that return a node return NULL after they
 * have complained; the first complaint stands.
 */
#ifndef TSUJIBAN_COLLECTOR_QUERY_PARSER_H
#define TSUJIBAN_COLLECTOR_QUERY_PARSER_H

#include "collector/query/lex.h"

struct parser {
	struct lex lex;
	enum query_about about;
	struct arena *arena;
	struct reason *why;
	unsigned terms;
	unsigned depth; /* of parentheses */
};

/* "column N: …" for what stands at `at`. Always NULL. */
struct node *parser_complain(struct parser *parser, size_t at, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Zeroed; NULL after a complaint. */
struct node *parser_new_node(struct parser *parser, enum node_kind kind);
struct node *parser_negate(struct parser *parser, struct node *inner);
struct node *parser_take_term(struct parser *parser);

#endif
