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

#define LOCAL "/var/lib/pacman/local/"

static int parse(struct scratch *scratch, const char *text)
{
	scratch_forget(scratch);
	return src_pacman_parse(slice_text(text), &scratch->facts, &scratch->why);
}

static int read_all(struct scratch *scratch)
{
	scratch_forget(scratch);
	return src_pacman_read(scratch->root, &scratch->facts, &scratch->why);
}

static const struct fact *install(struct scratch *scratch, const char *name)
{
	return scratch_find(scratch, FACT_INSTALL, INSTALL_NAME, name);
}

/* Copies a recorded file below the root. */
static void take(struct scratch *scratch, const char *name)
{
	char path[256];
	struct buf text = BUF_INIT;
	snprintf(path, sizeof(path), "tests/data/packages/pacman/%s", name);
	assert_int_equal(file_read(path, 1 << 20, &text, &scratch->why), 0);
	snprintf(path, sizeof(path), LOCAL "%s", name);
	assert_true(scratch_write(scratch, path, buf_text(&text)));
	buf_fini(&text);
}

static void test_recorded_database_is_read(void **state)
{
	struct scratch *scratch = *state;
	take(scratch, "gmp-6.2.1-2/desc");
	take(scratch, "gmp-6.2.1-2/files");
	take(scratch, "tree-sitter-0.22.6-1/desc");
	assert_true(scratch_write(scratch, LOCAL "ALPM_DB_VERSION", "9\n"));
	assert_int_equal(read_all(scratch), 0);
	assert_int_equal(scratch->facts.count, 4);
	const struct fact *fact = scratch_package(scratch, "tree-sitter");
	expect(fact, PACKAGE_MANAGER, "pacman");
	expect(fact, PACKAGE_ARCH, "x86_64");
	expect(fact, PACKAGE_INSTANCE, "");
	expect(fact, PACKAGE_VERSION, "0.22.6-1");
	expect(fact, PACKAGE_SOURCE, "tree-sitter");
	expect(fact, PACKAGE_SOURCE_VERSION, "0.22.6-1");
	expect(fact, PACKAGE_STATUS, "installed");
	expect(fact, PACKAGE_ORIGIN, "");
	expect(install(scratch, "tree-sitter"), INSTALL_TIME, "1715026360");
	expect(install(scratch, "gmp"), INSTALL_TIME, "1665878640");
	expect(install(scratch, "gmp"), INSTALL_ARCH, "x86_64");
}

static void test_base_is_the_source(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(
	        parse(scratch, "%NAME%\ngcc-libs\n\n%VERSION%\n1:13.2-5\n\n%BASE%\ngcc\n\n"), 0);
	expect(scratch_package(scratch, "gcc-libs"), PACKAGE_SOURCE, "gcc");
	expect(scratch_package(scratch, "gcc-libs"), PACKAGE_VERSION, "1:13.2-5");
	assert_int_equal(parse(scratch, "%NAME%\na\n\n%VERSION%\n1-1\n"), 0);
	expect(scratch_package(scratch, "a"), PACKAGE_SOURCE, "a");
	assert_null(install(scratch, "a"));
}

/* Not what stands below %NAME% in a list of something else. */
static void test_value_that_looks_like_a_section_is_none(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(parse(scratch, "%GROUPS%\na\n%NAME%\nwrong\n\n%NAME%\nright\n\n"
	                                "%VERSION%\n1-1\n2-2\n\n"),
	        0);
	expect(scratch_package(scratch, "right"), PACKAGE_VERSION, "1-1");
	assert_int_equal(scratch->facts.count, 1);
}

static void test_host_without_pacman_has_no_packages(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(read_all(scratch), ERR_MISSING);
}

static void test_damaged_file_is_refused_with_its_path(void **state)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
	        {"%NAME%\na\n\n%VERSION%\n1-1", "a-1-1/desc': it ends within a line"},
	        {"%NAME%\na\n\n", "without name and version"},
	        {"%VERSION%\n1-1\n\n", "without name and version"},
	        {"", "without name and version"},
	        {"%NAME%\na b\n\n%VERSION%\n1-1\n\n", "without name and version"},
	        {"%NAME%\na\n\n%VERSION%\n1-1\n\n%ARCH%\nx y\n\n", "its ARCH is not one word"},
	        {"NAME\na\n\n", "line 1: no section"},
	        {"%NAME%\na\n\nstray\n", "line 4: no section"},
	};
	struct scratch *scratch = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(scratch_write(scratch, LOCAL "a-1-1/desc", rows[i].text));
		assert_int_equal(read_all(scratch), ERR_FORMAT);
		if (!strstr(scratch->why.text, rows[i].part))
			fail_msg("row %zu: '%s' does not say '%s'", i, scratch->why.text,
			        rows[i].part);
	}
	struct slice nul = slice_of("%NAME%\na\0b\n\n", 12);
	assert_int_equal(src_pacman_parse(nul, &scratch->facts, &scratch->why), ERR_FORMAT);
}

static void test_package_that_is_removed_just_now_is_none(void **state)
{
	struct scratch *scratch = *state;
	assert_true(scratch_write(scratch, LOCAL "gone-1-1/mtree", "x"));
	assert_true(scratch_write(
	        scratch, LOCAL "there-1-1/desc", "%NAME%\nthere\n\n%VERSION%\n1-1\n\n"));
	assert_int_equal(read_all(scratch), 0);
	assert_int_equal(scratch->facts.count, 1);
}

static void test_neither_link_nor_pipe_is_read(void **state)
{
	struct scratch *scratch = *state;
	char path[256];
	assert_true(scratch_write(scratch, LOCAL "a-1-1/x", ""));
	snprintf(path, sizeof(path), "%s" LOCAL "a-1-1/desc", scratch->root);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_true(read_all(scratch) < 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_true(read_all(scratch) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_recorded_database_is_read),
	        TEST(test_base_is_the_source),
	        TEST(test_value_that_looks_like_a_section_is_none),
	        TEST(test_host_without_pacman_has_no_packages),
	        TEST(test_damaged_file_is_refused_with_its_path),
	        TEST(test_package_that_is_removed_just_now_is_none),
	        TEST(test_neither_link_nor_pipe_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
