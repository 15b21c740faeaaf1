/* The tables of versions in the shared data, and properties that every scheme has. */
#ifndef TSUJIBAN_TESTS_UNIT_COMMON_MODEL_VERSION_TABLES_H
#define TSUJIBAN_TESTS_UNIT_COMMON_MODEL_VERSION_TABLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/text.h"
#include "common/model/version.h"

static inline int tables_compare(enum version_scheme scheme, struct slice a, struct slice b)
{
	int order = version_compare(scheme, a, b);
	return (order > 0) - (order < 0);
}

static inline struct slice tables_take_column(struct slice *line)
{
	struct slice column = *line, rest = {0};
	text_split(*line, '\t', &column, &rest);
	*line = rest;
	return column;
}

/* Reads a table and drops its heading; false where the data is not there. */
static inline bool tables_read(const char *name, struct buf *out, struct slice *out_rows)
{
	const char *data = getenv("TSUJIBAN_DATA");
	struct buf path = BUF_INIT;
	struct slice heading;
	buf_printf(&path, "%s/versions/%s.tsv", data ? data : "../shared/data", name);
	FILE *file = fopen(buf_text(&path), "r");
	buf_fini(&path);
	if (!file)
		return false;
	size_t got;
	do {
		got = fread(buf_reserve(out, 65536), 1, 65536, file);
		out->len += got;
	} while (got > 0);
	fclose(file);
	*out_rows = buf_slice(out);
	return text_take_line(out_rows, &heading);
}

/* Columns: ecosystem, a, relation, b. Of the rows, those that are `wanted`; their count is part of
 * the claim. */
static inline void tables_check_order_where(enum version_scheme scheme, const char *name,
        bool (*wanted)(struct slice a, struct slice b), size_t rows)
{
	struct buf table = BUF_INIT;
	struct slice rest, line;
	if (!tables_read(name, &table, &rest))
		skip();
	while (text_take_line(&rest, &line)) {
		tables_take_column(&line);
		struct slice a = tables_take_column(&line), relation = tables_take_column(&line);
		struct slice b = tables_take_column(&line);
		int want = slice_is(relation, "<") ? -1 : slice_is(relation, ">") ? 1 : 0;
		if (wanted && !wanted(a, b))
			continue;
		if (tables_compare(scheme, a, b) != want || tables_compare(scheme, b, a) != -want)
			fail_msg("%s: '%.*s' %.*s '%.*s'", name, SLICE_ARG(a), SLICE_ARG(relation),
			        SLICE_ARG(b));
		rows--;
	}
	assert_int_equal(rows, 0);
	buf_fini(&table);
}

static inline void tables_check_order(enum version_scheme scheme, const char *name, size_t rows)
{
	tables_check_order_where(scheme, name, NULL, rows);
}

/* Columns: ecosystem, version, "valid" or "invalid". */
static inline void tables_check_validity(enum version_scheme scheme, const char *name, size_t rows)
{
	struct buf table = BUF_INIT;
	struct slice rest, line;
	if (!tables_read(name, &table, &rest))
		skip();
	while (text_take_line(&rest, &line)) {
		tables_take_column(&line);
		struct slice version = tables_take_column(&line);
		struct slice verdict = tables_take_column(&line);
		if (version_is_valid(scheme, version) != slice_is(verdict, "valid"))
			fail_msg(
			        "%s: '%.*s' is %.*s", name, SLICE_ARG(version), SLICE_ARG(verdict));
		rows--;
	}
	assert_int_equal(rows, 0);
	buf_fini(&table);
}

/* Each comes before all that follow it. */
static inline void tables_check_ascending(
        enum version_scheme scheme, const char *const *versions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			int want = i < j ? -1 : i > j;
			if (tables_compare(scheme, slice_text(versions[i]),
			            slice_text(versions[j])) != want)
				fail_msg("'%s' and '%s'", versions[i], versions[j]);
		}
	}
}

static inline void tables_check_equal(
        enum version_scheme scheme, const char *const *versions, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (tables_compare(scheme, slice_text(versions[0]), slice_text(versions[i])) != 0)
			fail_msg("'%s' and '%s'", versions[0], versions[i]);
}

/* Versions made of up to `pieces` of these words. */
static inline struct slice tables_random(
        unsigned *seed, const char *const *words, size_t count, char out[64])
{
	size_t len = 0, pieces = (size_t)rand_r(seed) % 7;
	for (size_t i = 0; i < pieces; i++) {
		const char *word = words[(size_t)rand_r(seed) % count];
		memcpy(out + len, word, strlen(word));
		len += strlen(word);
	}
	return slice_of(out, len);
}

static inline void tables_check_total_order(
        enum version_scheme scheme, const char *const *words, size_t count)
{
	unsigned seed = 1;
	for (int i = 0; i < 300000; i++) {
		char bytes[3][64];
		struct slice v[3];
		for (int k = 0; k < 3; k++)
			v[k] = tables_random(&seed, words, count, bytes[k]);
		int ab = tables_compare(scheme, v[0], v[1]),
		    bc = tables_compare(scheme, v[1], v[2]);
		int ac = tables_compare(scheme, v[0], v[2]);
		if (tables_compare(scheme, v[0], v[0]) != 0 ||
		        tables_compare(scheme, v[1], v[0]) != -ab ||
		        (ab <= 0 && bc <= 0 && ac != (ab < 0 || bc < 0 ? -1 : 0)))
			fail_msg("'%.*s', '%.*s', '%.*s'", SLICE_ARG(v[0]), SLICE_ARG(v[1]),
			        SLICE_ARG(v[2]));
	}
}

#define TABLES_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
