#include "agent/watch/fanotify_paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct paths paths;

static int end(void **state)
{
	(void)state;
	paths_fini(&paths);
	return 0;
}

static struct dir_handle handle(uint64_t mount_id, const char *bytes)
{
	return (struct dir_handle){.mount_id = mount_id, .bytes = slice_text(bytes)};
}

static void test_a_handle_has_a_path_in_each_mount(void **state)
{
	(void)state;
	struct dir_handle one = handle(1, "h"), other = handle(2, "h");
	assert_null(paths_find(&paths, &one));
	paths_put(&paths, &one, slice_text("/a"), true);
	paths_put(&paths, &other, slice_text("/b"), false);
	assert_true(slice_is(paths_find(&paths, &one)->path, "/a"));
	assert_true(paths_find(&paths, &one)->is_wanted);
	assert_true(slice_is(paths_find(&paths, &other)->path, "/b"));
	assert_false(paths_find(&paths, &other)->is_wanted);
}

static void test_the_last_path_that_was_put_counts(void **state)
{
	(void)state;
	struct dir_handle one = handle(1, "h");
	paths_put(&paths, &one, slice_text("/a"), true);
	paths_put(&paths, &one, slice_text("/longer"), true);
	assert_true(slice_is(paths_find(&paths, &one)->path, "/longer"));
	paths_forget(&paths);
	assert_null(paths_find(&paths, &one));
	assert_int_equal(paths.bytes, 0);
}

static void test_it_never_grows_beyond_its_limits(void **state)
{
	(void)state;
	static char path[2000];
	char name[16];
	memset(path, 'x', sizeof path);
	for (unsigned i = 0; i < 3 * PATHS_MAX; i++) {
		snprintf(name, sizeof name, "%u", i);
		struct dir_handle one = handle(1, name);
		size_t len = i % 2 ? 10 : sizeof path;
		assert_non_null(paths_put(&paths, &one, slice_of(path, len), true));
		assert_true(paths.bytes <= PATHS_BYTES_MAX);
		assert_int_equal(paths_find(&paths, &one)->path.len, len);
	}
}

static void test_a_handle_that_is_too_long_is_none(void **state)
{
	(void)state;
	static char long_one[HANDLE_BYTES + 2];
	memset(long_one, 'x', sizeof long_one - 1);
	struct dir_handle one = handle(1, long_one);
	assert_null(paths_put(&paths, &one, slice_text("/a"), true));
	assert_null(paths_find(&paths, &one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(test_a_handle_has_a_path_in_each_mount, end),
	        cmocka_unit_test_teardown(test_the_last_path_that_was_put_counts, end),
	        cmocka_unit_test_teardown(test_it_never_grows_beyond_its_limits, end),
	        cmocka_unit_test_teardown(test_a_handle_that_is_too_long_is_none, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
