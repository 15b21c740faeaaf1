/*
 * rpm: a header a package, see agent/rpmdb.
 *
 * Several versions of one name and architecture may be installed at a time: kernels are, and what a
 * transaction that was cut short has left. Such facts are told apart by the version. A package that
 * says of itself that it stands beside its other versions has that mark also where it is the only
 * one, so that its fact stays what it is when the next kernel comes.
 */
#include <stdlib.h>

#include "agent/pkgdb/holds.h"
#include "agent/pkgdb/install.h"
#include "agent/pkgdb/rpm_text.h"
#include "agent/pkgdb/sources.h"
#include "common/base/mem.h"

struct reading {
	struct fact_list *out;
	size_t first;    /* fact of ours */
	int64_t *time_s; /* of each of our facts; 0: not told */
	size_t room;
	struct buf text, full;
	struct holds holds;
	struct reason *why;
};

static struct slice text_of(const struct rpm_header *header, enum rpm_tag tag)
{
	struct slice text = {0};
	if (rpm_header_text(header, tag, &text) && text.len > FACT_FIELD_BYTES)
		text = (struct slice){0};
	return text;
}

/* dnf.conf(5), "installonlypkgs", and multiversion(kernel) of zypp.conf. */
static bool stands_beside_others(const struct rpm_header *header, struct slice name)
{
	struct rpm_texts provides = rpm_header_texts(header, RPM_PROVIDENAME);
	struct slice provided;
	if (slice_is(name, "kernel") || slice_is(name, "kernel-PAE"))
		return true;
	while (rpm_texts_next(&provides, &provided))
		if (slice_starts_with(provided, slice_text("installonlypkg(")) ||
		        slice_starts_with(provided, slice_text("multiversion(")))
			return true;
	return false;
}

/* As dnf's patterns may name it: NAME-VERSION-RELEASE.ARCH. */
static bool is_held(struct reading *reading, const struct rpm_header *header, struct slice name)
{
	if (reading->holds.count == 0)
		return false;
	buf_reset(&reading->full);
	buf_append_slice(&reading->full, name);
	buf_append_byte(&reading->full, '-');
	rpm_append_vr(&reading->full, header);
	buf_append_byte(&reading->full, '.');
	buf_append_slice(&reading->full, text_of(header, RPM_ARCH));
	return holds_has(&reading->holds, name, buf_slice(&reading->full));
}

static struct slice without_epoch(struct slice version)
{
	const uint8_t *colon = version.len > 0 ? memchr(version.ptr, ':', version.len) : NULL;
	if (!colon)
		return version;
	size_t len = (size_t)(colon + 1 - version.ptr);
	return slice_of(colon + 1, version.len - len);
}

static void take_time(struct reading *reading, const struct rpm_header *header)
{
	size_t at = reading->out->count - reading->first - 1;
	uint64_t time_s = 0;
	if (at >= reading->room) {
		reading->room = reading->room ? reading->room * 2 : 1024;
		reading->time_s = mem_resize(
		        reading->time_s, reading->room * sizeof(*reading->time_s));
	}
	if (!rpm_header_number(header, RPM_INSTALLTIME, 0, &time_s) || time_s > INT64_MAX)
		time_s = 0;
	reading->time_s[at] = (int64_t)time_s;
}

static int take_package(void *ctx, const struct rpm_header *header)
{
	struct reading *reading = ctx;
	struct fact fact = {.kind = FACT_PACKAGE};
	struct slice name = text_of(header, RPM_NAME);
	buf_reset(&reading->text);
	rpm_append_evr(&reading->text, header);
	bool is_named = name.len > 0 && text_of(header, RPM_VERSION).len > 0 &&
	                text_of(header, RPM_RELEASE).len > 0 &&
	                reading->text.len <= FACT_FIELD_BYTES;
	if (!is_named)
		return fail(reading->why, ERR_FORMAT,
		        "cannot read rpm's database: a package without name and version");
	fact.field[PACKAGE_MANAGER] = slice_text("rpm");
	fact.field[PACKAGE_NAME] = name;
	fact.field[PACKAGE_ARCH] = text_of(header, RPM_ARCH);
	fact.field[PACKAGE_VERSION] = buf_slice(&reading->text);
	if (stands_beside_others(header, name))
		fact.field[PACKAGE_INSTANCE] = without_epoch(fact.field[PACKAGE_VERSION]);
	rpm_split_source(text_of(header, RPM_SOURCERPM), &fact.field[PACKAGE_SOURCE],
	        &fact.field[PACKAGE_SOURCE_VERSION]);
	fact.field[PACKAGE_STATUS] = slice_text("installed");
	fact.field[PACKAGE_ORIGIN] = text_of(header, RPM_VENDOR);
	fact.field[PACKAGE_MODULE] = text_of(header, RPM_MODULARITYLABEL);
	if (is_held(reading, header, name))
		fact.field[PACKAGE_HOLD] = slice_text("hold");
	if (fact_list_add(reading->out, &fact) < 0)
		return fail(
		        reading->why, ERR_LIMIT, "cannot read rpm's database: too many packages");
	take_time(reading, header);
	return 0;
}

static void begin_again(void *ctx)
{
	struct reading *reading = ctx;
	reading->out->count = reading->first;
}

/* --- several of one name ---------------------------------------------------------------------- */

static int order(const void *a, const void *b)
{
	const struct fact *const *one = a, *const *other = b;
	int by = slice_compare((*one)->field[PACKAGE_NAME], (*other)->field[PACKAGE_NAME]);
	return by ? by : slice_compare((*one)->field[PACKAGE_ARCH], (*other)->field[PACKAGE_ARCH]);
}

static void tell_apart(struct fact *fact, size_t count)
{
	struct fact **sorted = mem_new_array(count, sizeof(*sorted));
	for (size_t i = 0; i < count; i++)
		sorted[i] = &fact[i];
	qsort(sorted, count, sizeof(struct fact *), order);
	for (size_t i = 0; i < count; i++) {
		bool is_one_of_several = (i > 0 && order(&sorted[i - 1], &sorted[i]) == 0) ||
		                         (i + 1 < count && order(&sorted[i], &sorted[i + 1]) == 0);
		if (is_one_of_several)
			sorted[i]->field[PACKAGE_INSTANCE] = without_epoch(
			        sorted[i]->field[PACKAGE_VERSION]);
	}
	free((void *)sorted);
}

/* --- the source ------------------------------------------------------------------------------- */

static int add_times(const struct reading *reading)
{
	struct fact_list *out = reading->out;
	size_t count = out->count - reading->first;
	for (size_t i = 0; i < count; i++) {
		struct fact package = out->fact[reading->first + i];
		if (install_add(out, &package, reading->time_s[i]) < 0)
			return fail(reading->why, ERR_LIMIT,
			        "cannot read rpm's database: too many packages");
	}
	return 0;
}

int src_rpm_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct reading reading = {.out = out, .first = out->count, .why = out_why};
	int held = holds_read_rpm(root, &reading.holds, out_why);
	int rc = rpm_each(root, take_package, begin_again, &reading, out_why);
	int passed_over = rc > 0 ? rc : 0;
	size_t count = out->count - reading.first;
	if (rc >= 0 && count > 0) {
		tell_apart(out->fact + reading.first, count);
		rc = add_times(&reading);
	}
	free(reading.time_s);
	buf_fini(&reading.text);
	buf_fini(&reading.full);
	holds_fini(&reading.holds);
	if (rc < 0 || passed_over == 0)
		return rc < 0 ? rc : held;
	return fail(out_why, SOURCE_UNSURE,
	        "%d entries of rpm's database cannot be read: what was known and is not found is "
	        "taken to be there",
	        passed_over);
}
