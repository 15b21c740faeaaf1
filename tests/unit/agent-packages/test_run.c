#include "agent/packages/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define T "2026-11-26 21:34:15 "

static struct run *take(const char *log)
{
	struct reason why;
	struct run *run = run_new();
	assert_int_equal(run_take(run, slice_text(log), &why), 0);
	run_seal(run);
	return run;
}

static const struct run_package *find(const struct run *run, const char *id)
{
	const struct run_package *package = run_find(run, slice_text(id));
	assert_non_null(package);
	return package;
}

static void test_first_old_and_last_new_version_count(void **unused)
{
	struct run *run = take(T "upgrade a:amd64 1 2\n" T "configure a:amd64 2 <none>\n" T
	                         "upgrade a:amd64 2 3\n");
	const struct run_package *package = find(run, "a:amd64");
	assert_true(slice_is(package->old_version, "1"));
	assert_true(slice_is(package->version, "3"));
	assert_true(slice_is(package->name, "a"));
	assert_int_equal(package->acts, RUN_UPGRADED | RUN_CONFIGURED);
	assert_int_equal(run_count(run, RUN_UNPACKED), 1);
	run_free(run);
	(void)unused;
}

static void test_removed_package_keeps_its_last_version(void **unused)
{
	struct run *run = take(T "remove a:all 1 <none>\n" T "purge a:all 1 <none>\n");
	const struct run_package *package = find(run, "a:all");
	assert_true(slice_is(package->version, "1"));
	assert_true(slice_is(package->old_version, "1"));
	run_free(run);
	(void)unused;
}

static void test_startup_alone_is_nothing_done(void **unused)
{
	struct run *run = take(T "startup packages configure\n");
	assert_false(run_did_anything(run));
	assert_int_not_equal(run->began_ns, 0);
	run_free(run);
	(void)unused;
}

static void test_state_line_mentions_without_doing(void **unused)
{
	struct run *run = take(T "status triggers-pending a:amd64 1\n");
	assert_int_equal(find(run, "a:amd64")->acts, RUN_MENTIONED);
	assert_false(run_did_anything(run));
	run_free(run);
	(void)unused;
}

static void test_other_lines_are_passed_over(void **unused)
{
	struct run *run = take("nonsense\n2026-11-26 install a:amd64 1 2\n" T
	                       "dance a:amd64 1 2\n" T "install a:amd64 1\n" T "install  1 2\n\n");
	assert_null(run->packages);
	run_free(run);
	(void)unused;
}

static void test_replaced_conffile_is_known_kept_one_is_not(void **unused)
{
	struct run *run = take(T "conffile /etc/a b install\n" T "conffile /etc/c keep\n");
	assert_true(key_set_has(&run->replaced, key_of(slice_text("/etc/a b"))));
	assert_false(key_set_has(&run->replaced, key_of(slice_text("/etc/c"))));
	run_free(run);
	(void)unused;
}

static void test_lines_of_before_are_passed_over(void **unused)
{
	struct reason why;
	struct run *run = run_new();
	run->since_ns = INT64_MAX;
	assert_int_equal(run_take(run, slice_text(T "install a:all <none> 1\n"), &why), 0);
	assert_null(run->packages);
	run_free(run);
	(void)unused;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_first_old_and_last_new_version_count),
	        cmocka_unit_test(test_removed_package_keeps_its_last_version),
	        cmocka_unit_test(test_startup_alone_is_nothing_done),
	        cmocka_unit_test(test_state_line_mentions_without_doing),
	        cmocka_unit_test(test_other_lines_are_passed_over),
	        cmocka_unit_test(test_replaced_conffile_is_known_kept_one_is_not),
	        cmocka_unit_test(test_lines_of_before_are_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
