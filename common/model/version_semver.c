/*
 * Semantic Versioning 2.0.0 (semver.org). Go writes a "v" in front (go.dev/ref/mod#versions), npm
 * strips it and a "="; the versions of Go's toolchain have a "go" there and no dash before "rc1".
 */
#include "common/model/version_semver.h"

#include "common/model/version_part.h"

struct parts {
	struct slice numbers;
	bool has_pre, is_toolchain;
	struct slice pre;
};

static struct parts split(struct slice version)
{
	struct parts parts = {0};
	struct slice rest = part_trim(version), behind;
	while (part_take_one(&rest, "vV= "))
		;
	behind = rest;
	parts.is_toolchain = part_take_word(&behind, "go") && part_take_digits(&behind).len > 0;
	if (parts.is_toolchain)
		rest = part_after(rest, 2);
	parts.numbers = slice_of(rest.ptr, 0);
	for (behind = rest; part_take_digits(&behind).len > 0;) {
		parts.numbers.len = rest.len - behind.len;
		if (!part_take_one(&behind, "."))
			break;
	}
	rest = part_after(rest, parts.numbers.len);
	const uint8_t *build = rest.len ? memchr(rest.ptr, '+', rest.len) : NULL;
	if (build)
		rest.len = (size_t)(build - rest.ptr);
	parts.has_pre = rest.len > 0;
	part_take_one(&rest, "-.");
	parts.pre = rest;
	return parts;
}

static bool is_no_dot(uint8_t byte)
{
	return byte != '.';
}

/* What stands between dots; a toolchain's "rc1" is two. */
static struct slice take_identifier(struct slice *in, bool is_toolchain)
{
	struct slice identifier = {0};
	if (is_toolchain)
		identifier = part_take_letters(in);
	if (is_toolchain && identifier.len == 0)
		identifier = part_take_digits(in);
	if (identifier.len == 0)
		identifier = part_take_run(in, is_no_dot);
	part_take_one(in, ".");
	return identifier;
}

static bool is_number(struct slice text)
{
	return part_take_digits(&text).len > 0 && text.len == 0;
}

/* Numbers by value and before words, words by bytes. */
static int compare_identifiers(struct slice a, struct slice b)
{
	bool is_number_a = is_number(a), is_number_b = is_number(b);
	if (is_number_a != is_number_b)
		return is_number_a ? -1 : 1;
	return is_number_a ? part_compare_numbers(a, b) : slice_compare(a, b);
}

static int compare_pre(const struct parts *parts_a, const struct parts *parts_b)
{
	struct slice a = parts_a->pre, b = parts_b->pre;
	int order = 0;
	while (order == 0 && a.len > 0 && b.len > 0) {
		struct slice identifier_a = take_identifier(&a, parts_a->is_toolchain);
		struct slice identifier_b = take_identifier(&b, parts_b->is_toolchain);
		order = compare_identifiers(identifier_a, identifier_b);
	}
	return order ? order : (a.len > 0) - (b.len > 0);
}

int version_semver_compare(struct slice a, struct slice b)
{
	struct parts parts_a = split(a), parts_b = split(b);
	int order = part_compare_dotted(parts_a.numbers, parts_b.numbers);
	if (!order)
		order = parts_b.has_pre - parts_a.has_pre;
	return order ? order : compare_pre(&parts_a, &parts_b);
}

/* --- validity --------------------------------------------------------------------------------- */

static bool is_proper_number(struct slice text)
{
	return is_number(text) && (text.len == 1 || text.ptr[0] != '0');
}

static bool is_identifier_byte(uint8_t byte)
{
	return part_is_digit(byte) || part_is_letter(byte) || byte == '-';
}

static bool take_identifiers(struct slice *in, bool has_proper_numbers)
{
	do {
		struct slice identifier = part_take_run(in, is_identifier_byte);
		bool is_padded = is_number(identifier) && !is_proper_number(identifier);
		if (identifier.len == 0 || (has_proper_numbers && is_padded))
			return false;
	} while (part_take_one(in, "."));
	return true;
}

bool version_semver_is_valid(struct slice version)
{
	int numbers = 0;
	part_take_one(&version, "v");
	do
		if (!is_proper_number(part_take_digits(&version)))
			return false;
	while (++numbers < 3 && part_take_one(&version, "."));
	if (numbers < 3)
		return version.len == 0;
	if (part_take_one(&version, "-") && !take_identifiers(&version, true))
		return false;
	if (part_take_one(&version, "+") && !take_identifiers(&version, false))
		return false;
	return version.len == 0;
}
