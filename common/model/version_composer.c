/*
 * The rules of composer/semver: VersionParser::normalize, and then PHP's version_compare of what
 * that gives. A version is at most four numbers, or a date; then a stability with numbers; then
 * "-dev". The form that normalising would write is never made: what it would hold is walked.
 */
#include "common/model/version_composer.h"

#include "common/model/version_part.h"

enum kind { REFUSED, BRANCH, VERSION };

/* The places of PHP's version_compare; where a version ends, it ends behind its candidates and
 * before a number. */
enum rank { DEV, ALPHA, BETA, CANDIDATE, END, NUMBER, PATCH };

struct parts {
	enum kind kind;
	struct slice name;    /* of a branch, without "dev-" */
	struct slice numbers; /* digit runs (or 'x') and anything between */
	unsigned wanted;      /* as many numbers at least */
	const char *filler;   /* what lacking ones and 'x' are */
	enum rank stability;  /* END: none is said */
	struct slice stability_numbers;
	bool is_dev;
};

/* --- normalising ------------------------------------------------------------------------------ */

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_plain(uint8_t byte)
{
	return byte != ',' && !is_blank(byte);
}

static bool is_no_plus(uint8_t byte)
{
	return is_plain(byte) && byte != '+';
}

static bool is_space(uint8_t byte)
{
	return byte == ' ';
}

/* "VERSION as ALIAS" is VERSION. */
static struct slice without_alias(struct slice in)
{
	struct slice rest = in, version = part_take_run(&rest, is_plain);
	if (version.len == 0 || part_take_run(&rest, is_space).len == 0 ||
	        !slice_starts_with(rest, slice_text("as ")))
		return in;
	rest = part_after(rest, 2);
	part_take_run(&rest, is_space);
	return part_take_run(&rest, is_plain).len > 0 && rest.len == 0 ? version : in;
}

static bool ends_with(struct slice in, const char *word)
{
	size_t len = strlen(word);
	struct slice end = in.len >= len ? part_after(in, in.len - len) : (struct slice){0};
	return part_take_word(&end, word);
}

static struct slice without_flag(struct slice in)
{
	static const char *const FLAGS[] = {"stable", "rc", "beta", "alpha", "dev"};
	for (size_t i = 0; i < sizeof(FLAGS) / sizeof(FLAGS[0]); i++) {
		size_t len = strlen(FLAGS[i]) + 1;
		if (in.len >= len && in.ptr[in.len - len] == '@' && ends_with(in, FLAGS[i]))
			return slice_of(in.ptr, in.len - len);
	}
	return in;
}

/* "VERSION+BUILD" is VERSION. */
static struct slice without_build(struct slice in)
{
	struct slice rest = in, version = part_take_run(&rest, is_no_plus);
	if (version.len == 0 || rest.len < 2 || rest.ptr[0] != '+')
		return in;
	for (size_t i = 1; i < rest.len; i++)
		if (is_blank(rest.ptr[i]))
			return in;
	return version;
}

/* "[._-]?", a stability and its numbers, "[.-]?dev", each or none, and then the end. */
static bool take_modifier(struct slice rest, struct parts *out)
{
	static const struct {
		const char *word;
		enum rank rank;
	} WORDS[] = {{"stable", END}, {"beta", BETA}, {"b", BETA}, {"rc", CANDIDATE},
	        {"alpha", ALPHA}, {"a", ALPHA}, {"patch", PATCH}, {"pl", PATCH}, {"p", PATCH}};
	part_take_one(&rest, "._-");
	bool is_stable = false;
	for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
		if (!part_take_word(&rest, WORDS[i].word))
			continue;
		is_stable = WORDS[i].rank == END;
		out->stability = WORDS[i].rank;
		struct slice numbers = rest, behind = rest;
		while (part_take_one(&behind, ".-"), part_take_digits(&behind).len > 0)
			rest = behind;
		if (!is_stable)
			out->stability_numbers = slice_of(numbers.ptr, numbers.len - rest.len);
		break;
	}
	struct slice behind = rest;
	part_take_one(&behind, ".-");
	if (part_take_word(&behind, "dev")) {
		out->is_dev = !is_stable;
		rest = behind;
	}
	return rest.len == 0;
}

/* Up to four numbers, the first of five digits at most: longer ones are dates. */
static bool take_classical(struct slice in, struct parts *out)
{
	struct slice begin = in, rest = in;
	size_t digits = part_take_digits(&rest).len;
	if (digits == 0 || digits > 5)
		return false;
	for (int i = 0; i < 3; i++) {
		struct slice behind = rest;
		if (!part_take_one(&behind, ".") || part_take_digits(&behind).len == 0)
			break;
		rest = behind;
	}
	*out = (struct parts){.kind = VERSION,
	        .numbers = slice_of(begin.ptr, begin.len - rest.len),
	        .wanted = 4,
	        .filler = "0",
	        .stability = END};
	return take_modifier(rest, out);
}

/* Whether the text is `pairs` times "[.:-]?\d\d" at most (and once at least, but for the `pairs`
 * that are behind already) and then `tails` times "[.:-]?\d{1,3}" at most. */
static bool is_date_rest(struct slice in, int pairs, bool has_pair, int tails)
{
	if (in.len == 0)
		return has_pair;
	part_take_one(&in, ".:-");
	struct slice digits = in;
	size_t run = part_take_digits(&digits).len;
	if (pairs > 0 && run >= 2 && is_date_rest(part_after(in, 2), pairs - 1, true, tails))
		return true;
	for (size_t len = 1; has_pair && tails > 0 && len <= 3 && len <= run; len++)
		if (is_date_rest(part_after(in, len), 0, true, tails - 1))
			return true;
	return false;
}

static bool is_date_byte(uint8_t byte)
{
	return part_is_digit(byte) || byte == '.' || byte == ':' || byte == '-';
}

/* A year, then up to six pairs of digits and two numbers of up to three; any of ".:-" between. */
static bool take_date(struct slice in, struct parts *out)
{
	struct slice rest = in, year = in;
	struct slice date = part_take_run(&rest, is_date_byte);
	while (date.len > 0 && !part_is_digit(date.ptr[date.len - 1]))
		date.len--;
	if (part_take_digits(&year).len < 4 || !is_date_rest(part_after(date, 4), 6, false, 2))
		return false;
	*out = (struct parts){.kind = VERSION, .numbers = date, .stability = END};
	return take_modifier(part_after(in, date.len), out);
}

/* "1.x-dev": the branch of which 1.0 and all later ones are made, later than all of them. */
static bool take_numbered_branch(struct slice in, struct parts *out)
{
	if (!ends_with(in, "dev"))
		return false;
	in.len -= 3;
	if (in.len > 0 && (in.ptr[in.len - 1] == '.' || in.ptr[in.len - 1] == '-'))
		in.len--;
	part_take_one(&in, "vV");
	struct slice rest = in;
	if (part_take_digits(&rest).len == 0)
		return false;
	for (int i = 0; i < 3 && part_take_one(&rest, "."); i++)
		if (part_take_digits(&rest).len == 0 && !part_take_one(&rest, "xX*"))
			return false;
	*out = (struct parts){.kind = VERSION,
	        .numbers = in,
	        .wanted = 4,
	        .filler = "9999999",
	        .stability = END,
	        .is_dev = true};
	return rest.len == 0;
}

static struct parts parse(struct slice version)
{
	struct parts out;
	struct slice rest = without_flag(without_alias(part_trim(version))), name = rest;
	if (slice_is(rest, "master") || slice_is(rest, "trunk") || slice_is(rest, "default"))
		return (struct parts){.kind = BRANCH, .name = rest};
	if (part_take_word(&name, "dev") && part_take_one(&name, "-"))
		return (struct parts){.kind = BRANCH, .name = name};
	rest = without_build(rest);
	struct slice numbered = rest;
	part_take_one(&rest, "vV");
	if (take_classical(rest, &out) || take_date(rest, &out) ||
	        take_numbered_branch(numbered, &out))
		return out;
	return (struct parts){.kind = REFUSED, .name = version};
}

/* --- order ------------------------------------------------------------------------------------ */

struct walk {
	struct parts parts;
	unsigned numbers; /* that were given */
	bool has_told_stability;
};

static bool is_no_number(uint8_t byte)
{
	return !part_is_digit(byte) && byte != 'x' && byte != 'X' && byte != '*';
}

/* The next piece of the normalised form; END for ever behind the last. */
static enum rank next_of(struct walk *walk, struct slice *out_number)
{
	struct parts *parts = &walk->parts;
	part_take_run(&parts->numbers, is_no_number);
	if (parts->numbers.len > 0 || walk->numbers < parts->wanted) {
		walk->numbers++;
		*out_number = part_take_digits(&parts->numbers);
		if (out_number->len > 0)
			return NUMBER;
		part_take_one(&parts->numbers, "xX*");
		*out_number = slice_text(parts->filler);
		return NUMBER;
	}
	if (parts->stability != END && !walk->has_told_stability) {
		walk->has_told_stability = true;
		return parts->stability;
	}
	part_take_run(&parts->stability_numbers, is_no_number);
	*out_number = part_take_digits(&parts->stability_numbers);
	if (out_number->len > 0)
		return NUMBER;
	if (!parts->is_dev)
		return END;
	parts->is_dev = false;
	return DEV;
}

static int compare_versions(const struct parts *a, const struct parts *b)
{
	struct walk walk_a = {.parts = *a}, walk_b = {.parts = *b};
	for (;;) {
		struct slice number_a = {0}, number_b = {0};
		enum rank rank_a = next_of(&walk_a, &number_a),
		          rank_b = next_of(&walk_b, &number_b);
		if (rank_a != rank_b)
			return rank_a < rank_b ? -1 : 1;
		if (rank_a == END)
			return 0;
		int order = rank_a == NUMBER ? part_compare_numbers(number_a, number_b) : 0;
		if (order)
			return order;
	}
}

int version_composer_compare(struct slice a, struct slice b)
{
	struct parts parts_a = parse(a), parts_b = parse(b);
	if (parts_a.kind != parts_b.kind)
		return parts_a.kind < parts_b.kind ? -1 : 1;
	return parts_a.kind == VERSION ? compare_versions(&parts_a, &parts_b)
	                               : slice_compare(parts_a.name, parts_b.name);
}

bool version_composer_is_valid(struct slice version)
{
	return parse(version).kind != REFUSED;
}
