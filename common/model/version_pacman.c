/*
 * The rules of pacman (lib/libalpm/version.c, vercmp(8)): version and release are each the sequence
 * of their runs of digits and of letters, with how many bytes separate a run from the one before.
 * Fewer come first. Behind equally many letters come before the end (1.0rc is before 1.0), and
 * the end before a number.
 */
#include "common/model/version_pacman.h"

#include "common/base/text.h"
#include "common/model/version_evr.h"

enum kind { KIND_LETTERS, KIND_END, KIND_NUMBER };

struct run {
	size_t separators;
	enum kind kind;
	struct slice text;
};

static bool is_separator(uint8_t byte)
{
	return !part_is_digit(byte) && !part_is_letter(byte);
}

static struct run take(struct slice *in)
{
	struct run run = {.separators = part_take_run(in, is_separator).len, .kind = KIND_END};
	if (in->len == 0)
		return run;
	run.kind = part_is_digit(in->ptr[0]) ? KIND_NUMBER : KIND_LETTERS;
	run.text = run.kind == KIND_NUMBER ? part_take_digits(in) : part_take_letters(in);
	return run;
}

static int compare_part(struct slice a, struct slice b)
{
	for (;;) {
		struct run run_a = take(&a), run_b = take(&b);
		if (run_a.separators != run_b.separators)
			return run_a.separators < run_b.separators ? -1 : 1;
		if (run_a.kind != run_b.kind)
			return run_a.kind < run_b.kind ? -1 : 1;
		if (run_a.kind == KIND_END)
			return 0;
		int order = run_a.kind == KIND_NUMBER ? part_compare_numbers(run_a.text, run_b.text)
		                                      : slice_compare(run_a.text, run_b.text);
		if (order)
			return order;
	}
}

int version_pacman_compare(struct slice a, struct slice b)
{
	struct evr evr_a = evr_of(a), evr_b = evr_of(b);
	int order = part_compare_numbers(evr_a.epoch, evr_b.epoch);
	if (!order)
		order = compare_part(evr_a.version, evr_b.version);
	if (!order && (!evr_a.release.ptr || !evr_b.release.ptr))
		return (evr_a.release.ptr != NULL) - (evr_b.release.ptr != NULL);
	return order ? order : compare_part(evr_a.release, evr_b.release);
}

static bool is_version(struct slice version)
{
	for (size_t i = 0; i < version.len; i++) {
		uint8_t byte = version.ptr[i];
		if (byte <= ' ' || byte > '~' || strchr(":/-", byte))
			return false;
	}
	return version.len > 0;
}

/* "5" or "5.1". */
static bool is_release(struct slice release)
{
	bool is_number = part_take_digits(&release).len > 0;
	if (is_number && part_take_one(&release, "."))
		is_number = part_take_digits(&release).len > 0;
	return is_number && release.len == 0;
}

bool version_pacman_is_valid(struct slice version)
{
	struct evr evr = evr_of(version);
	bool is_epoch_fine = !evr.epoch.ptr || evr.epoch.len > 0;
	return is_epoch_fine && is_version(evr.version) &&
	       (!evr.release.ptr || is_release(evr.release));
}
