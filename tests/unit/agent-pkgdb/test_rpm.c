#include "agent/pkgdb/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include "agent/pkgdb/rpm_text.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#include "tests/unit/agent-source/expect.h"

/* Real databases, made once: see make_rpm.py. */
static struct scratch made;
static bool is_made;

static int make_databases(void **state)
{
	char command[256];
	(void)state;
	if (!scratch_init(&made))
		return -1;
	snprintf(command, sizeof(command),
	        "python3 tests/unit/agent-pkgdb/make_rpm.py %s 2>%s/errors", made.root, made.root);
	int status = system(command); // NOLINT(cert-env33-c)
	is_made = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!is_made && !(WIFEXITED(status) && WEXITSTATUS(status) == 77)) {
		snprintf(command, sizeof(command), "cat %s/errors", made.root);
		return system(command) == 0 ? -1 : -2; // NOLINT(cert-env33-c)
	}
	return 0;
}

static int remove_databases(void **state)
{
	(void)state;
	scratch_fini(&made);
	return 0;
}

static void read_form(const char *form)
{
	char root[96];
	if (!is_made)
		skip();
	snprintf(root, sizeof(root), "%s/%s", made.root, form);
	scratch_forget(&made);
	if (src_rpm_read(root, &made.facts, &made.why) < 0)
		fail_msg("%s: %s", form, made.why.text);
}

static const struct fact *find(
        enum fact_kind kind, const char *name, const char *instance, const char *version)
{
	for (size_t i = 0; i < made.facts.count; i++) {
		const struct fact *fact = &made.facts.fact[i];
		bool is_it = fact->kind == kind && slice_is(fact->field[PACKAGE_NAME], name) &&
		             (!instance || slice_is(fact->field[PACKAGE_INSTANCE], instance)) &&
		             (!version || slice_is(fact->field[PACKAGE_VERSION], version));
		if (is_it)
			return fact;
	}
	return NULL;
}

/* Columns: as QUERY in make_rpm.py. */
static void expect_line(char *line)
{
	const char *column[7] = {0};
	char source[256], *rest = line;
	for (size_t i = 0; i < 7; i++)
		column[i] = strsep(&rest, "\t\n");
	const struct fact *package = find(FACT_PACKAGE, column[0], NULL, column[2]);
	expect(package, PACKAGE_MANAGER, "rpm");
	expect(package, PACKAGE_ARCH, column[1]);
	snprintf(source, sizeof(source), "%.*s-%.*s.src.rpm",
	        SLICE_ARG(package->field[PACKAGE_SOURCE]),
	        SLICE_ARG(package->field[PACKAGE_SOURCE_VERSION]));
	assert_string_equal(source, column[3]);
	expect(package, PACKAGE_ORIGIN, column[4]);
	expect(package, PACKAGE_MODULE, column[5]);
	expect(package, PACKAGE_STATUS, "installed");
	char instance[256];
	snprintf(instance, sizeof(instance), "%.*s", SLICE_ARG(package->field[PACKAGE_INSTANCE]));
	const struct fact *install = find(FACT_INSTALL, column[0], instance, NULL);
	expect(install, INSTALL_ARCH, column[1]);
	expect(install, INSTALL_TIME, column[6]);
}

static void assert_as_rpm_says(const char *form)
{
	char path[96], line[1024];
	size_t lines = 0;
	read_form(form);
	snprintf(path, sizeof(path), "%s/expected", made.root);
	FILE *expected = fopen(path, "re");
	assert_non_null(expected);
	for (; fgets(line, sizeof(line), expected); lines++)
		expect_line(line);
	fclose(expected);
	assert_true(lines >= 10);
	assert_int_equal(made.facts.count, 2 * lines);
}

static void test_sqlite_says_what_rpm_says(void **state)
{
	(void)state;
	assert_as_rpm_says("sqlite");
}

static void test_ndb_says_what_rpm_says(void **state)
{
	(void)state;
	assert_as_rpm_says("ndb");
}

static void test_berkeley_db_says_what_rpm_says(void **state)
{
	(void)state;
	assert_as_rpm_says("bdb");
}

static void test_epoch_is_told_unless_it_is_zero(void **state)
{
	(void)state;
	read_form("sqlite");
	expect(find(FACT_PACKAGE, "epoch", NULL, NULL), PACKAGE_VERSION, "7:2.5^git1-1.el9");
	expect(find(FACT_PACKAGE, "zero", NULL, NULL), PACKAGE_VERSION, "1-1");
}

static void test_source_is_parted_from_the_right(void **state)
{
	(void)state;
	read_form("sqlite");
	const struct fact *fact = find(FACT_PACKAGE, "other-name", NULL, NULL);
	expect(fact, PACKAGE_SOURCE, "many-dashes");
	expect(fact, PACKAGE_SOURCE_VERSION, "4.2-5");
}

static void test_several_of_one_name_are_told_apart(void **state)
{
	(void)state;
	read_form("sqlite");
	assert_non_null(find(FACT_PACKAGE, "leftover", "1.0-1", "1:1.0-1"));
	assert_non_null(find(FACT_PACKAGE, "leftover", "1.1-1", "1:1.1-1"));
	assert_non_null(find(FACT_PACKAGE, "kernel-core", "6.1.0-10.el9", NULL));
	assert_non_null(find(FACT_PACKAGE, "kernel-core", "6.1.0-9.el9", NULL));
	assert_non_null(find(FACT_PACKAGE, "plain", "", NULL));
}

/* A second one may come, and its fact is to stay what it is. */
static void test_only_one_of_a_kernel_package_is_marked_too(void **state)
{
	(void)state;
	read_form("sqlite");
	assert_non_null(find(FACT_PACKAGE, "kernel-modules", "6.1.0-10.el9", NULL));
}

static void test_keys_are_no_packages(void **state)
{
	(void)state;
	read_form("sqlite");
	assert_null(find(FACT_PACKAGE, "gpg-pubkey", NULL, NULL));
}

static void test_host_without_rpm_has_no_packages(void **state)
{
	struct scratch scratch;
	(void)state;
	assert_true(scratch_init(&scratch));
	assert_int_equal(src_rpm_read(scratch.root, &scratch.facts, &scratch.why), ERR_MISSING);
	assert_int_equal(scratch.facts.count, 0);
	scratch_fini(&scratch);
}

static void test_file_of_another_form_has_no_source(void **state)
{
	static const char *const WRONG[] = {"", ".src.rpm", "a.src.rpm", "a-1.src.rpm",
	        "-1-2.src.rpm", "a-1-.src.rpm", "a--2.src.rpm", "a-1-2.rpm", "a-1-2", "(none)"};
	struct slice name = {0}, version = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++)
		if (rpm_split_source(slice_text(WRONG[i]), &name, &version))
			fail_msg("'%s'", WRONG[i]);
	assert_null(name.ptr);
	assert_true(rpm_split_source(slice_text("a-b-1-2.nosrc.rpm"), &name, &version));
	assert_true(slice_is(name, "a-b") && slice_is(version, "1-2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_sqlite_says_what_rpm_says),
	        cmocka_unit_test(test_ndb_says_what_rpm_says),
	        cmocka_unit_test(test_berkeley_db_says_what_rpm_says),
	        cmocka_unit_test(test_epoch_is_told_unless_it_is_zero),
	        cmocka_unit_test(test_source_is_parted_from_the_right),
	        cmocka_unit_test(test_several_of_one_name_are_told_apart),
	        cmocka_unit_test(test_only_one_of_a_kernel_package_is_marked_too),
	        cmocka_unit_test(test_keys_are_no_packages),
	        cmocka_unit_test(test_host_without_rpm_has_no_packages),
	        cmocka_unit_test(test_file_of_another_form_has_no_source),
	};
	return cmocka_run_group_tests(tests, make_databases, remove_databases);
}
