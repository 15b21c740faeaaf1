#include "collector/query/lex.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_paren(char c)
{
	return c == '(' || c == ')';
}

static char char_at(const struct lex *lex, size_t at)
{
	return at < lex->text.len ? (char)lex->text.ptr[at] : 0;
}

/* Length of the operator at `at`, 0: none. */
static size_t op_at(const struct lex *lex, size_t at, enum compare_op *out)
{
	char c = char_at(lex, at);
	bool has_equal = (c == '<' || c == '>' || c == '!' || c == '=') &&
	                 char_at(lex, at + 1) == '=';
	switch (c) {
	case '<':
		*out = has_equal ? OP_LESS_EQUAL : OP_LESS;
		return has_equal ? 2 : 1;
	case '>':
		*out = has_equal ? OP_GREATER_EQUAL : OP_GREATER;
		return has_equal ? 2 : 1;
	case '=':
		*out = OP_EQUAL; /* "==" is what programmers type */
		return has_equal ? 2 : 1;
	case '!':
		*out = OP_NOT_EQUAL;
		return has_equal ? 2 : 0;
	default:
		return 0;
	}
}

void lex_skip_spaces(struct lex *lex)
{
	while (lex->at < lex->text.len && is_space(char_at(lex, lex->at)))
		lex->at++;
}

bool lex_is_at_end(const struct lex *lex)
{
	return lex->at >= lex->text.len;
}

char lex_peek(const struct lex *lex)
{
	return char_at(lex, lex->at);
}

bool lex_take_char(struct lex *lex, char c)
{
	if (lex_is_at_end(lex) || lex_peek(lex) != c)
		return false;
	lex->at++;
	return true;
}

bool lex_sees_keyword(const struct lex *lex, const char *keyword)
{
	struct slice rest = slice_of(lex->text.ptr + lex->at, lex->text.len - lex->at);
	struct slice word = slice_text(keyword);
	if (!slice_starts_with(rest, word))
		return false;
	char after = char_at(lex, lex->at + word.len);
	return rest.len == word.len || is_space(after) || is_paren(after) || after == '"';
}

bool lex_take_keyword(struct lex *lex, const char *keyword)
{
	if (!lex_sees_keyword(lex, keyword))
		return false;
	lex->at += strlen(keyword);
	return true;
}

bool lex_take_op(struct lex *lex, enum compare_op *out)
{
	struct lex ahead = *lex;
	lex_skip_spaces(&ahead);
	size_t len = op_at(&ahead, ahead.at, out);
	if (len == 0)
		return false;
	lex->at = ahead.at + len;
	return true;
}

bool lex_take_name(struct lex *lex, struct slice *out)
{
	size_t at = lex->at;
	enum compare_op op;
	for (; at < lex->text.len; at++) {
		char c = char_at(lex, at);
		if (is_space(c) || is_paren(c) || c == ':' || c == '"' || op_at(lex, at, &op))
			break;
	}
	if (at == lex->at)
		return false;
	*out = slice_of(lex->text.ptr + lex->at, at - lex->at);
	lex->at = at;
	return true;
}

/* --- values -------------------------------------------------------------------------------- */

struct builder {
	uint8_t *glob, *literal;
	size_t glob_len, literal_len;
	bool has_wildcard;
};

static void add_literal(struct builder *builder, char c)
{
	if (c == '*' || c == '?' || c == '[' || c == '\\')
		builder->glob[builder->glob_len++] = '\\';
	builder->glob[builder->glob_len++] = (uint8_t)c;
	builder->literal[builder->literal_len++] = (uint8_t)c;
}

static void add_char(struct builder *builder, char c)
{
	if (c != '*' && c != '?') {
		add_literal(builder, c);
		return;
	}
	builder->glob[builder->glob_len++] = (uint8_t)c;
	builder->has_wildcard = true;
}

static bool is_escape(const struct lex *lex, size_t at)
{
	char after = char_at(lex, at + 1);
	return char_at(lex, at) == '\\' && at + 1 < lex->text.len &&
	       (after == '"' || after == '\\' || after == '*' || after == '?');
}

/* Where the closing quote stands, or SIZE_MAX. */
static size_t quoted_end(const struct lex *lex)
{
	for (size_t at = lex->at + 1; at < lex->text.len; at++) {
		if (char_at(lex, at) == '"')
			return at;
		at += is_escape(lex, at);
	}
	return SIZE_MAX;
}

static size_t word_end(const struct lex *lex, bool ends_at_op)
{
	enum compare_op op;
	size_t at = lex->at;
	while (at < lex->text.len && !is_space(char_at(lex, at)) && !is_paren(char_at(lex, at)) &&
	        !(ends_at_op && op_at(lex, at, &op)))
		at++;
	return at;
}

/* A backslash in a word stands for itself: unit files and mount points have it in their names. */
static void build(
        const struct lex *lex, size_t from, size_t to, bool has_escapes, struct builder *builder)
{
	for (size_t at = from; at < to; at++) {
		if (has_escapes && is_escape(lex, at))
			add_literal(builder, char_at(lex, ++at));
		else
			add_char(builder, char_at(lex, at));
	}
}

enum lex_value lex_take_value(
        struct lex *lex, bool ends_at_op, struct arena *arena, struct pattern *out)
{
	bool is_quoted = lex_peek(lex) == '"';
	size_t from = lex->at + is_quoted;
	size_t to = is_quoted ? quoted_end(lex) : word_end(lex, ends_at_op);
	if (to == SIZE_MAX)
		return LEX_UNCLOSED;
	if (to == from && !is_quoted)
		return LEX_NOTHING;
	struct builder builder = {0};
	builder.glob = arena_alloc(arena, 2 * (to - from) + 1);
	builder.literal = arena_alloc(arena, to - from + 1);
	if (!builder.glob || !builder.literal)
		return LEX_FULL;
	build(lex, from, to, is_quoted, &builder);
	lex->at = to + is_quoted;
	out->glob = slice_of(builder.glob, builder.glob_len);
	out->literal = builder.has_wildcard ? slice_of(NULL, 0)
	                                    : slice_of(builder.literal, builder.literal_len);
	return LEX_OK;
}

size_t lex_column(const struct lex *lex, size_t at)
{
	size_t column = 1;
	for (size_t i = 0; i < at && i < lex->text.len; i++)
		column += (lex->text.ptr[i] & 0xc0) != 0x80;
	return column;
}
