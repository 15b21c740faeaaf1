/*
 * lex - the words of a query. Private to collector/query.
 *
 * What a character means depends on where it stands (a version may contain ':' and '-', a package
 * name ends at '<'), so the parser says what it expects next.
 *
 * Functions named take_ move on only when they return true.
 */
#ifndef TSUJIBAN_COLLECTOR_QUERY_LEX_H
#define TSUJIBAN_COLLECTOR_QUERY_LEX_H

#include "collector/query/node.h"

struct lex {
	struct slice text;
	size_t at;
};

void lex_skip_spaces(struct lex *lex);
bool lex_is_at_end(const struct lex *lex);
/* 0 at the end. */
char lex_peek(const struct lex *lex);
bool lex_take_char(struct lex *lex, char c);
/* AND, OR, NOT: whole words only. */
bool lex_take_keyword(struct lex *lex, const char *keyword);
bool lex_sees_keyword(const struct lex *lex, const char *keyword);
/* Also with spaces before it. */
bool lex_take_op(struct lex *lex, enum compare_op *out);
/* Up to a space, parenthesis, ':', operator or quote; at least one character. */
bool lex_take_name(struct lex *lex, struct slice *out);

enum lex_value {
	LEX_OK,
	LEX_NOTHING,  /* no value here */
	LEX_UNCLOSED, /* a quote without its end */
	LEX_FULL,     /* the arena is */
};
/* A quoted text, or a word up to a space or parenthesis (`ends_at_op`: or an operator). */
enum lex_value lex_take_value(
        struct lex *lex, bool ends_at_op, struct arena *arena, struct pattern *out);

/* Characters (not bytes) before `at`, from 1. */
size_t lex_column(const struct lex *lex, size_t at);

#endif
