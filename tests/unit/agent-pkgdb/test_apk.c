#include "agent/pkgdb/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/io/file.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#include "tests/unit/agent-source/expect.h"

#define RECORDED "tests/data/packages/apk-installed"

static int parse(struct scratch *scratch, const char *text)
{
	scratch_forget(scratch);
	return src_apk_parse(slice_text(text), &scratch->facts, &scratch->why);
}

static void test_recorded_database_is_read(void **state)
{
	struct scratch *scratch = *state;
	struct buf text = BUF_INIT;
	assert_int_equal(file_read(RECORDED, 1 << 20, &text, &scratch->why), 0);
	assert_int_equal(src_apk_parse(buf_slice(&text), &scratch->facts, &scratch->why), 0);
	buf_fini(&text);
	assert_int_equal(scratch->facts.count, 5);
	const struct fact *fact = scratch_package(scratch, "libssl1.0");
	expect(fact, PACKAGE_MANAGER, "apk");
	expect(fact, PACKAGE_ARCH, "x86_64");
	expect(fact, PACKAGE_INSTANCE, "");
	expect(fact, PACKAGE_VERSION, "1.0.2h-r1");
	expect(fact, PACKAGE_SOURCE, "openssl");
	expect(fact, PACKAGE_SOURCE_VERSION, "1.0.2h-r1");
	expect(fact, PACKAGE_STATUS, "installed");
	expect(fact, PACKAGE_ORIGIN, "");
	expect(scratch_package(scratch, "scanelf"), PACKAGE_SOURCE, "pax-utils");
	expect(scratch_package(scratch, "libc-utils"), PACKAGE_VERSION, "0.7-r0");
	expect(scratch_package(scratch, "musl"), PACKAGE_SOURCE, "musl");
	expect(scratch_package(scratch, "ada-libs"), PACKAGE_SOURCE, "ada");
}

static void test_package_without_origin_is_its_own_source(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(parse(scratch, "P:a\nV:1-r0\n\n"), 0);
	expect(scratch_package(scratch, "a"), PACKAGE_SOURCE, "a");
	expect(scratch_package(scratch, "a"), PACKAGE_ARCH, "");
}

/* Also when a file's lines have the letters of a package's. */
static void test_letters_that_are_not_known_are_passed_over(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(parse(scratch, "N:x\nP:a\nV:1\n5:?\nF:bin\nM:0:0:755\nR:x\nS:2\n\n"), 0);
	assert_int_equal(scratch->facts.count, 1);
}

static void test_database_may_be_empty(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(parse(scratch, ""), 0);
	assert_int_equal(parse(scratch, "\n\n"), 0);
	assert_int_equal(scratch->facts.count, 0);
}

static void test_each_of_three_places_is_looked_in(void **state)
{
	static const char *const PLACES[] = {
	        "/var/lib/apk/db/installed", "/usr/lib/apk/db/installed", "/lib/apk/db/installed"};
	struct scratch *scratch = *state;
	char text[64];
	assert_int_equal(src_apk_read(scratch->root, &scratch->facts, &scratch->why), ERR_MISSING);
	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "P:from%zu\nV:1\n\n", i);
		assert_true(scratch_write(scratch, PLACES[i], text));
		scratch_forget(scratch);
		assert_int_equal(src_apk_read(scratch->root, &scratch->facts, &scratch->why), 0);
		snprintf(text, sizeof(text), "from%zu", i);
		expect(scratch_package(scratch, text), PACKAGE_VERSION, "1");
	}
}

static void test_damaged_file_is_refused_with_the_line(void **state)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
	        {"P:a", "within a line"},
	        {"P:a\nV:1\n", "line 2: it ends within a stanza"},
	        {"P:a\nV:1\n\nV:1\n\n", "line 4: a stanza without a package name"},
	        {"P:a\n\n", "line 1: a stanza without a version"},
	        {"P:a\nF:bin\nV:1\n\n", "line 1: a stanza without a version"},
	        {"P:a\nP:b\nV:1\n\n", "line 2: a field that the stanza has already"},
	        {"P:a\nV:1\nF:bin\nP:b\n\n", "line 4: a field that the stanza has already"},
	        {"P:a\nV:1\nF:bin\nA:x\n\n", "line 4: a field that the stanza has already"},
	        {"P:a b\nV:1\n\n", "line 1: a field that is no word"},
	        {"P:a\nV:\n\n", "line 2: a field that is no word"},
	        {"P:a\nV:1\nR:x\n\n", "line 3: a file without a directory"},
	        {"P:a\nno field\n\n", "line 2: no field"},
	        {"P:a\nV\n\n", "line 2: no field"},
	};
	struct scratch *scratch = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(scratch, rows[i].text), ERR_FORMAT);
		if (!strstr(scratch->why.text, rows[i].part))
			fail_msg("row %zu: '%s' does not say '%s'", i, scratch->why.text,
			        rows[i].part);
	}
	struct slice nul = slice_of("P:a\0b\nV:1\n\n", 11);
	assert_int_equal(src_apk_parse(nul, &scratch->facts, &scratch->why), ERR_FORMAT);
}

/* Wherever a file was cut, it says so, but between two packages. */
static void test_file_cut_anywhere_is_refused(void **state)
{
	static const char whole[] = "P:a\nV:1\nF:bin\nR:x\n\nP:b\nV:1\n\n";
	struct scratch *scratch = *state;
	size_t stanza = strlen("P:a\nV:1\nF:bin\nR:x\n\n");
	for (size_t len = 1; len < strlen(whole); len++) {
		scratch_forget(scratch);
		int rc = src_apk_parse(slice_of(whole, len), &scratch->facts, &scratch->why);
		assert_int_equal(rc, len == stanza ? 0 : ERR_FORMAT);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_recorded_database_is_read),
	        TEST(test_package_without_origin_is_its_own_source),
	        TEST(test_letters_that_are_not_known_are_passed_over),
	        TEST(test_database_may_be_empty),
	        TEST(test_each_of_three_places_is_looked_in),
	        TEST(test_damaged_file_is_refused_with_the_line),
	        TEST(test_file_cut_anywhere_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
