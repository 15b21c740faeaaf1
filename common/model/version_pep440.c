/*
 * PEP 440 (packaging.python.org, "Version specifiers"), with all the spellings of its section
 * "Normalization": [v][N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local].
 */
#include "common/model/version_pep440.h"

#include "common/model/version_part.h"

#define SEPARATORS "._-"

struct parts {
	struct slice epoch, release; /* digits; digits and dots */
	char pre;                    /* 'a', 'b', 'r' for rc, or 0 */
	bool has_post, has_dev, has_local;
	struct slice pre_number, post, dev, local;
};

/* Takes one of the words (the longer stand before their beginnings) and a number, each behind a
 * separator or not; the index of the word, or -1 with nothing taken. The number may lack, even
 * behind a separator. */
static int take_mark(struct slice *in, const char *const *words, struct slice *out_number)
{
	struct slice rest = *in;
	part_take_one(&rest, SEPARATORS);
	for (int i = 0; words[i]; i++) {
		if (!part_take_word(&rest, words[i]))
			continue;
		part_take_one(&rest, SEPARATORS);
		*out_number = part_take_digits(&rest);
		*in = rest;
		return i;
	}
	return -1;
}

static bool take_release(struct slice *in, struct parts *out)
{
	struct slice rest = *in;
	out->epoch = part_take_digits(&rest);
	if (out->epoch.len > 0 && part_take_one(&rest, "!"))
		*in = rest;
	else
		out->epoch.len = 0;
	const uint8_t *begin = in->ptr;
	size_t before = in->len;
	if (part_take_digits(in).len == 0)
		return false;
	for (rest = *in; part_take_one(&rest, ".") && part_take_digits(&rest).len > 0;)
		*in = rest;
	out->release = slice_of(begin, before - in->len);
	return true;
}

static void take_marks(struct slice *in, struct parts *out)
{
	static const char *const PRE[] = {
	        "alpha", "a", "beta", "b", "preview", "pre", "rc", "c", NULL};
	static const char *const POST[] = {"post", "rev", "r", NULL};
	static const char *const DEV[] = {"dev", NULL};
	int pre = take_mark(in, PRE, &out->pre_number);
	if (pre >= 0)
		out->pre = pre < 2 ? 'a' : pre < 4 ? 'b' : 'r';
	struct slice rest = *in;
	out->has_post = part_take_one(&rest, "-") && (out->post = part_take_digits(&rest)).len > 0;
	if (out->has_post)
		*in = rest;
	else
		out->has_post = take_mark(in, POST, &out->post) >= 0;
	out->has_dev = take_mark(in, DEV, &out->dev) >= 0;
}

static bool is_alnum(uint8_t byte)
{
	return part_is_digit(byte) || part_is_letter(byte);
}

/* Letters and digits with single separators between them. */
static bool is_local(struct slice text)
{
	do
		if (part_take_run(&text, is_alnum).len == 0)
			return false;
	while (part_take_one(&text, SEPARATORS));
	return text.len == 0;
}

static bool parse(struct slice version, struct parts *out)
{
	struct slice rest = part_trim(version);
	*out = (struct parts){0};
	part_take_one(&rest, "vV");
	if (!take_release(&rest, out))
		return false;
	take_marks(&rest, out);
	out->has_local = part_take_one(&rest, "+");
	out->local = rest;
	return out->has_local ? is_local(rest) : rest.len == 0;
}

/* --- order ------------------------------------------------------------------------------------ */

/* Before pre-releases there are development releases of the final one; those of a pre- or
 * post-release belong to it. */
static int pre_rank(const struct parts *parts)
{
	if (parts->pre)
		return parts->pre;
	return parts->has_dev && !parts->has_post ? 0 : 'z';
}

static int compare_nocase(struct slice a, struct slice b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		int order = (a.ptr[i] | 0x20) - (b.ptr[i] | 0x20); /* digits have that bit */
		if (order)
			return order;
	}
	return (a.len > b.len) - (a.len < b.len);
}

static bool is_number(struct slice text)
{
	return part_take_digits(&text).len > 0 && text.len == 0;
}

/* Piece by piece: numbers by value and after words; none before any. */
static int compare_locals(struct slice a, struct slice b)
{
	while (a.len > 0 && b.len > 0) {
		struct slice piece_a = part_take_run(&a, is_alnum);
		struct slice piece_b = part_take_run(&b, is_alnum);
		bool is_number_a = is_number(piece_a), is_number_b = is_number(piece_b);
		int order = is_number_a - is_number_b;
		if (!order && is_number_a)
			order = part_compare_numbers(piece_a, piece_b);
		else if (!order)
			order = compare_nocase(piece_a, piece_b);
		if (order)
			return order;
		part_take_one(&a, SEPARATORS);
		part_take_one(&b, SEPARATORS);
	}
	return (a.len > 0) - (b.len > 0);
}

static int compare_parts(const struct parts *a, const struct parts *b)
{
	int order = part_compare_numbers(a->epoch, b->epoch);
	if (!order)
		order = part_compare_dotted(a->release, b->release);
	if (!order)
		order = pre_rank(a) - pre_rank(b);
	if (!order)
		order = part_compare_numbers(a->pre_number, b->pre_number);
	if (!order)
		order = a->has_post - b->has_post;
	if (!order)
		order = part_compare_numbers(a->post, b->post);
	if (!order)
		order = b->has_dev - a->has_dev;
	if (!order)
		order = part_compare_numbers(a->dev, b->dev);
	return order ? order : compare_locals(a->local, b->local);
}

int version_pep440_compare(struct slice a, struct slice b)
{
	struct parts parts_a, parts_b;
	bool is_valid_a = parse(a, &parts_a), is_valid_b = parse(b, &parts_b);
	if (is_valid_a && is_valid_b)
		return compare_parts(&parts_a, &parts_b);
	return is_valid_a != is_valid_b ? is_valid_a - is_valid_b : slice_compare(a, b);
}

bool version_pep440_is_valid(struct slice version)
{
	struct parts parts;
	return parse(version, &parts);
}
