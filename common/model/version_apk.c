/*
 * The rules of apk-tools 3 (src/version.c, apk-package(5)): numbers with dots between them, a
 * letter, suffixes that each may have a number, the hash of a commit, a release; in this order, of
 * which parts may be left out. Those of apk-tools 2 differ only where a version is none. One such
 * form has been in use and is put in order as there: a letter with a number behind it (6.6.1p1-r0).
 */
#include "common/model/version_apk.h"

#include "common/model/version_part.h"

/* What stands further down belongs further to the end, and where two versions go on differently,
 * that one is the earlier: 1.0 is before 1.0-r1, and that before 1.0.1. */
enum kind {
	KIND_FIRST,
	KIND_NUMBER,
	KIND_LETTER,
	KIND_SUFFIX,
	KIND_SUFFIX_NUMBER,
	KIND_HASH,
	KIND_RELEASE,
	KIND_END,
	KIND_WRONG,
};

/* In their order. Those before the sentinel come before the version that has none. */
static const char *const SUFFIXES[] = {
        "alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"};
#define SUFFIX_COUNT   (sizeof(SUFFIXES) / sizeof(SUFFIXES[0]))
#define SUFFIXES_EARLY 4

struct token {
	enum kind kind;
	struct slice text;
	size_t suffix; /* in SUFFIXES */
};

static bool is_small_letter(uint8_t byte)
{
	return byte >= 'a' && byte <= 'z';
}

static bool is_hex(uint8_t byte)
{
	return part_is_digit(byte) || (byte >= 'a' && byte <= 'f');
}

static struct token of_run(enum kind kind, struct slice run)
{
	return (struct token){.kind = run.len > 0 ? kind : KIND_WRONG, .text = run};
}

static struct token take_suffix(struct slice *in)
{
	struct token token = of_run(KIND_SUFFIX, part_take_run(in, is_small_letter));
	while (token.suffix < SUFFIX_COUNT && !slice_is(token.text, SUFFIXES[token.suffix]))
		token.suffix++;
	if (token.suffix == SUFFIX_COUNT)
		token.kind = KIND_WRONG;
	return token;
}

static struct token take_letter(struct slice *in)
{
	struct token token = {.kind = KIND_LETTER, .text = slice_of(in->ptr, 1)};
	*in = part_after(*in, 1);
	return token;
}

static struct token take(struct slice *in, enum kind before)
{
	if (in->len == 0)
		return (struct token){.kind = KIND_END};
	if (is_small_letter(in->ptr[0]) && before <= KIND_NUMBER)
		return take_letter(in);
	if (before == KIND_SUFFIX && part_is_digit(in->ptr[0]))
		return of_run(KIND_SUFFIX_NUMBER, part_take_digits(in));
	if (before == KIND_LETTER && part_is_digit(in->ptr[0]))
		return of_run(KIND_NUMBER, part_take_digits(in));
	if (before <= KIND_NUMBER && part_take_one(in, "."))
		return of_run(KIND_NUMBER, part_take_digits(in));
	if (before <= KIND_SUFFIX_NUMBER && part_take_one(in, "_"))
		return take_suffix(in);
	if (before < KIND_HASH && part_take_one(in, "~"))
		return of_run(KIND_HASH, part_take_run(in, is_hex));
	if (before < KIND_RELEASE && slice_starts_with(*in, slice_text("-r"))) {
		*in = part_after(*in, 2);
		return of_run(KIND_RELEASE, part_take_digits(in));
	}
	return (struct token){.kind = KIND_WRONG};
}

/* A number behind a dot that begins with 0 is a fraction's: 1.05 is before 1.1. */
static int compare_fractions(struct slice a, struct slice b)
{
	return a.ptr[0] == '0' || b.ptr[0] == '0' ? slice_compare(a, b)
	                                          : part_compare_numbers(a, b);
}

static int compare_tokens(const struct token *a, const struct token *b)
{
	switch (a->kind) {
	case KIND_FIRST:
	case KIND_SUFFIX_NUMBER:
	case KIND_RELEASE:
		return part_compare_numbers(a->text, b->text);
	case KIND_NUMBER:
		return compare_fractions(a->text, b->text);
	case KIND_LETTER:
	case KIND_HASH:
		return slice_compare(a->text, b->text);
	case KIND_SUFFIX:
		return (a->suffix > b->suffix) - (a->suffix < b->suffix);
	default:
		return 0;
	}
}

static bool is_early(const struct token *token)
{
	return token->kind == KIND_SUFFIX && token->suffix < SUFFIXES_EARLY;
}

int version_apk_compare(struct slice a, struct slice b)
{
	struct token token_a = of_run(KIND_FIRST, part_take_digits(&a));
	struct token token_b = of_run(KIND_FIRST, part_take_digits(&b));
	while (token_a.kind == token_b.kind && token_a.kind < KIND_END) {
		int order = compare_tokens(&token_a, &token_b);
		if (order)
			return order;
		token_a = take(&a, token_a.kind);
		token_b = take(&b, token_b.kind);
	}
	if (token_a.kind == token_b.kind)
		return 0;
	if (is_early(&token_a) || is_early(&token_b))
		return is_early(&token_a) ? -1 : 1;
	return token_a.kind > token_b.kind ? -1 : 1;
}

bool version_apk_is_valid(struct slice version)
{
	struct token token = of_run(KIND_FIRST, part_take_digits(&version));
	while (token.kind < KIND_END) {
		enum kind before = token.kind;
		token = take(&version, before);
		if (before == KIND_LETTER && token.kind == KIND_NUMBER)
			return false;
	}
	return token.kind == KIND_END;
}
