/*
 * The rules of Gem::Version (RubyGems' lib/rubygems/version.rb): a version is the sequence of its
 * runs of digits and of letters, where a dash is ".pre.". Zeros before the first letters and at the
 * end do not count: the sequence goes on as 0 for ever. Letters come before numbers.
 */
#include "common/model/version_gem.h"

#include "common/model/version_part.h"

struct segments {
	struct slice rest;
	/* Zeros up to the first letters: where they begin, and what comes behind them. */
	const uint8_t *zeros;
	struct slice letters;
};

/* A run of digits or of letters, "pre" for a dash; empty at the end. */
static struct slice take_run(struct slice *in)
{
	while (in->len > 0) {
		if (part_is_digit(in->ptr[0]))
			return part_take_digits(in);
		if (part_is_letter(in->ptr[0]))
			return part_take_letters(in);
		bool is_dash = in->ptr[0] == '-';
		*in = part_after(*in, 1);
		if (is_dash)
			return slice_text("pre");
	}
	return (struct slice){0};
}

static bool is_zero(struct slice run)
{
	return part_compare_numbers(run, slice_text("0")) == 0;
}

static struct segments segments_of(struct slice version)
{
	struct segments out = {.rest = part_trim(version)};
	struct slice rest = out.rest;
	const uint8_t *zeros = NULL;
	for (;;) {
		struct slice before = rest, run = take_run(&rest);
		if (run.len == 0)
			return out;
		if (!part_is_digit(run.ptr[0])) {
			out.zeros = zeros;
			out.letters = before;
			return out;
		}
		if (!is_zero(run))
			zeros = NULL;
		else if (!zeros)
			zeros = before.ptr;
	}
}

static struct slice next_of(struct segments *segments)
{
	if (segments->zeros && segments->rest.len > 0 && segments->rest.ptr == segments->zeros)
		segments->rest = segments->letters;
	return take_run(&segments->rest);
}

static bool is_letters(struct slice run)
{
	return run.len > 0 && part_is_letter(run.ptr[0]);
}

int version_gem_compare(struct slice a, struct slice b)
{
	struct segments segments_a = segments_of(a), segments_b = segments_of(b);
	for (;;) {
		struct slice run_a = next_of(&segments_a), run_b = next_of(&segments_b);
		if (run_a.len == 0 && run_b.len == 0)
			return 0;
		bool has_letters = is_letters(run_a);
		if (has_letters != is_letters(run_b))
			return has_letters ? -1 : 1;
		int order = has_letters ? slice_compare(run_a, run_b)
		                        : part_compare_numbers(run_a, run_b);
		if (order)
			return order;
	}
}

static bool is_alnum(uint8_t byte)
{
	return part_is_digit(byte) || part_is_letter(byte);
}

static bool is_alnum_or_dash(uint8_t byte)
{
	return is_alnum(byte) || byte == '-';
}

/* Digits, then letters and digits between dots; behind a dash dashes as well. */
bool version_gem_is_valid(struct slice version)
{
	version = part_trim(version);
	if (version.len == 0)
		return true;
	if (part_take_digits(&version).len == 0)
		return false;
	while (part_take_one(&version, "."))
		if (part_take_run(&version, is_alnum).len == 0)
			return false;
	if (!part_take_one(&version, "-"))
		return version.len == 0;
	do
		if (part_take_run(&version, is_alnum_or_dash).len == 0)
			return false;
	while (part_take_one(&version, "."));
	return version.len == 0;
}
