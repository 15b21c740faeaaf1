/*
 * The rules are those of dpkg's lib/dpkg/version.c and parsehelp.c, as deb-version(7) tells them.
 * Each version has one place: its three parts are each a sequence of (non-digits, number) pairs,
 * compared pair by pair, and a part that has ended goes on as (nothing, 0) for ever. That makes a
 * total order of any bytes, in which 1.0, 1.00, 1.0-0 and 0:1.0 are equal.
 */
#include "common/model/version_dpkg.h"

#include <assert.h>

#include "common/base/text.h"

struct parts {
	struct slice epoch; /* digits; empty is 0 */
	struct slice upstream;
	struct slice revision; /* absent when there is no dash */
};

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_letter(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static size_t digits_at_front(struct slice in)
{
	size_t len = 0;
	while (len < in.len && is_digit(in.ptr[len]))
		len++;
	return len;
}

static struct slice after(struct slice in, size_t len)
{
	return len ? slice_of(in.ptr + len, in.len - len) : in;
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

/* As dpkg does before it looks at a version. */
static struct slice without_blanks_around(struct slice version)
{
	while (version.len > 0 && is_blank(version.ptr[0]))
		version = after(version, 1);
	while (version.len > 0 && is_blank(version.ptr[version.len - 1]))
		version.len--;
	return version;
}

static struct parts split(struct slice version)
{
	version = without_blanks_around(version);
	struct parts parts = {.upstream = version};
	size_t digits = digits_at_front(version);
	if (digits > 0 && digits < version.len && version.ptr[digits] == ':') {
		parts.epoch = slice_of(version.ptr, digits);
		parts.upstream = after(version, digits + 1);
	}
	const uint8_t *dash = parts.upstream.len
	                              ? memrchr(parts.upstream.ptr, '-', parts.upstream.len)
	                              : NULL;
	if (dash) {
		size_t len = (size_t)(dash - parts.upstream.ptr);
		parts.revision = after(parts.upstream, len + 1);
		parts.upstream.len = len;
	}
	return parts;
}

/* Digit runs of any length, by value. */
static int compare_numbers(struct slice a, struct slice b)
{
	while (a.len > 0 && a.ptr[0] == '0')
		a = after(a, 1);
	while (b.len > 0 && b.ptr[0] == '0')
		b = after(b, 1);
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return slice_compare(a, b);
}

/* A tilde sorts before the end, the end (and a digit, which ends the run as well) before letters,
 * letters before everything else. */
static int weight_at_front(struct slice in)
{
	if (in.len == 0)
		return 0;
	assert(in.ptr);
	if (is_digit(in.ptr[0]))
		return 0;
	if (in.ptr[0] == '~')
		return -1;
	return is_letter(in.ptr[0]) ? in.ptr[0] : in.ptr[0] + 256;
}

static int compare_parts(struct slice a, struct slice b)
{
	while (a.len > 0 || b.len > 0) {
		int weight_a, weight_b;
		while ((weight_a = weight_at_front(a)) == (weight_b = weight_at_front(b)) &&
		        weight_a != 0) {
			a = after(a, 1);
			b = after(b, 1);
		}
		if (weight_a != weight_b)
			return weight_a < weight_b ? -1 : 1;
		size_t digits_a = digits_at_front(a), digits_b = digits_at_front(b);
		int order = compare_numbers(slice_of(a.ptr, digits_a), slice_of(b.ptr, digits_b));
		if (order)
			return order;
		a = after(a, digits_a);
		b = after(b, digits_b);
	}
	return 0;
}

int version_dpkg_compare(struct slice a, struct slice b)
{
	struct parts parts_a = split(a), parts_b = split(b);
	int order = compare_numbers(parts_a.epoch, parts_b.epoch);
	if (!order)
		order = compare_parts(parts_a.upstream, parts_b.upstream);
	if (!order)
		order = compare_parts(parts_a.revision, parts_b.revision);
	return order;
}

static bool has_only(struct slice in, const char *punctuation)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t byte = in.ptr[i];
		bool is_known = is_digit(byte) || is_letter(byte) ||
		                (byte != 0 && strchr(punctuation, byte));
		if (!is_known)
			return false;
	}
	return true;
}

bool version_dpkg_is_valid(struct slice version)
{
	struct parts parts = split(version);
	uint64_t epoch;
	if (parts.epoch.len > 0 && !text_parse_u64(parts.epoch, INT32_MAX, &epoch))
		return false;
	/* What stands before the first colon is an epoch or nothing: a second colon needs a first.
	 */
	if (parts.epoch.len == 0 && version.len > 0 && memchr(version.ptr, ':', version.len))
		return false;
	if (parts.revision.ptr && parts.revision.len == 0)
		return false;
	return parts.upstream.len > 0 && is_digit(parts.upstream.ptr[0]) &&
	       has_only(parts.upstream, ".-+~:") && has_only(parts.revision, ".+~");
}
