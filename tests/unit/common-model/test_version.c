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

static int sign(int order)
{
	return (order > 0) - (order < 0);
}

static int compare(const char *a, const char *b)
{
	return sign(version_compare(VERSION_DPKG, slice_text(a), slice_text(b)));
}

/* A table of the shared data, or false when it is not there. */
static bool read_table(const char *name, struct buf *out)
{
	const char *data = getenv("TSUJIBAN_DATA");
	struct buf path = BUF_INIT;
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
	return true;
}

static int sign_of(struct slice relation)
{
	return slice_is(relation, "<") ? -1 : slice_is(relation, ">") ? 1 : 0;
}

/* Takes the first column of a line; the last may stand alone. */
static struct slice take_column(struct slice *line)
{
	struct slice column = *line, rest = {0};
	text_split(*line, '\t', &column, &rest);
	*line = rest;
	return column;
}

/* Columns: ecosystem, a, relation, b. */
static size_t check_order_table(const char *name)
{
	struct buf table = BUF_INIT;
	if (!read_table(name, &table))
		skip();
	struct slice rest = buf_slice(&table), line;
	size_t rows = 0;
	text_take_line(&rest, &line);
	while (text_take_line(&rest, &line)) {
		take_column(&line);
		struct slice a = take_column(&line), relation = take_column(&line);
		struct slice b = take_column(&line);
		int want = sign_of(relation);
		int there = sign(version_compare(VERSION_DPKG, a, b));
		int back = sign(version_compare(VERSION_DPKG, b, a));
		if (there != want || back != -want)
			fail_msg("%s: %.*s %.*s %.*s", name, SLICE_ARG(a), SLICE_ARG(relation),
			        SLICE_ARG(b));
		rows++;
	}
	buf_fini(&table);
	return rows;
}

static void test_published_tables_agree(void **state)
{
	(void)state;
	assert_int_equal(check_order_table("apt-compareversion"), 64);
	assert_int_equal(check_order_table("dpkg-perl"), 43);
	assert_int_equal(check_order_table("dpkg-tversion"), 9);
	assert_int_equal(check_order_table("go-deb-version"), 5);
	assert_int_equal(check_order_table("scalibr-debian"), 27);
}

static void test_versions_of_the_debian_archive_agree(void **state)
{
	(void)state;
	assert_int_equal(check_order_table("scalibr-debian-generated"), 14442);
}

static void test_validity_is_that_of_dpkg(void **state)
{
	(void)state;
	struct buf table = BUF_INIT;
	if (!read_table("dpkg-parse-validity", &table))
		skip();
	struct slice rest = buf_slice(&table), line;
	size_t rows = 0;
	text_take_line(&rest, &line);
	while (text_take_line(&rest, &line)) {
		take_column(&line);
		struct slice version = take_column(&line), verdict = take_column(&line);
		if (version_is_valid(VERSION_DPKG, version) != slice_is(verdict, "valid"))
			fail_msg("'%.*s' is %.*s", SLICE_ARG(version), SLICE_ARG(verdict));
		rows++;
	}
	assert_int_equal(rows, 26);
	buf_fini(&table);
}

/* Without the shared data this is what holds the rules of deb-version(7). */
static void test_the_rules_of_deb_version_hold(void **state)
{
	(void)state;
	static const char *const ASCENDING[] = {"~~", "~~a", "~", "0~rc1", "0", "0a", "0+", "1.0~~",
	        "1.0~rc1-1", "1.0~rc2", "1.0", "1.0-0.1", "1.0-1", "1.0-1+deb12u1", "1.0-1.1",
	        "1.0a", "1.0+dfsg", "1.0.1", "1.2", "1.10", "1.99999999999999999999999999999",
	        "1.100000000000000000000000000000", "a", "ab", "ba", "+", "1:0", "1:0.1", "2:0",
	        "10:0", "99999999999999999999999:0"};
	size_t count = sizeof(ASCENDING) / sizeof(ASCENDING[0]);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			int want = i < j ? -1 : i > j;
			if (compare(ASCENDING[i], ASCENDING[j]) != want)
				fail_msg("'%s' and '%s'", ASCENDING[i], ASCENDING[j]);
		}
	}
}

static void test_different_spellings_are_equal(void **state)
{
	(void)state;
	static const char *const EQUAL[] = {"1.0", "1.00", "01.0", "0:1.0", "000:1.0", "1.0-0",
	        "1.0-", "1.0-000", "1.0-00", " 1.0\t"};
	for (size_t i = 0; i < sizeof(EQUAL) / sizeof(EQUAL[0]); i++)
		assert_int_equal(compare(EQUAL[0], EQUAL[i]), 0);
	assert_int_equal(compare("", "0"), 0);
	assert_int_equal(version_compare(VERSION_DPKG, slice_of(NULL, 0), slice_text("0")), 0);
}

static struct slice random_version(unsigned *seed, uint8_t *out)
{
	static const char BYTES[] = "0019aZ~+.-:\0\xff ";
	size_t len = (size_t)rand_r(seed) % 6;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)BYTES[(size_t)rand_r(seed) % (sizeof(BYTES) - 1)];
	return slice_of(out, len);
}

static void test_any_bytes_have_one_total_order(void **state)
{
	(void)state;
	unsigned seed = 1;
	for (int i = 0; i < 500000; i++) {
		uint8_t bytes[3][8];
		struct slice v[3];
		for (int k = 0; k < 3; k++)
			v[k] = random_version(&seed, bytes[k]);
		int ab = sign(version_compare(VERSION_DPKG, v[0], v[1]));
		int bc = sign(version_compare(VERSION_DPKG, v[1], v[2]));
		int ac = sign(version_compare(VERSION_DPKG, v[0], v[2]));
		assert_int_equal(version_compare(VERSION_DPKG, v[0], v[0]), 0);
		assert_int_equal(sign(version_compare(VERSION_DPKG, v[1], v[0])), -ab);
		if (ab <= 0 && bc <= 0)
			assert_int_equal(ac, ab < 0 || bc < 0 ? -1 : 0);
	}
}

static void test_schemes_have_names(void **state)
{
	(void)state;
	enum version_scheme scheme;
	assert_true(version_scheme_parse(slice_text("dpkg"), &scheme) && scheme == VERSION_DPKG);
	assert_false(version_scheme_parse(slice_text("deb"), &scheme));
	assert_false(version_scheme_parse(slice_text(""), &scheme));
	assert_string_equal(version_scheme_name(VERSION_DPKG), "dpkg");
	assert_string_equal(version_scheme_name((enum version_scheme)0), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_published_tables_agree),
	        cmocka_unit_test(test_versions_of_the_debian_archive_agree),
	        cmocka_unit_test(test_validity_is_that_of_dpkg),
	        cmocka_unit_test(test_the_rules_of_deb_version_hold),
	        cmocka_unit_test(test_different_spellings_are_equal),
	        cmocka_unit_test(test_any_bytes_have_one_total_order),
	        cmocka_unit_test(test_schemes_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
