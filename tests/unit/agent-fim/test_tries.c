#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/fim/tries.h"

#include <cmocka.h>

static void test_counts_are_kept_by_path_and_forgotten_alone(void **state)
{
	struct tries *tries = NULL;
	(void)state;
	assert_int_equal(tries_add(&tries, slice_text("/a"), 100).count, 1);
	assert_int_equal(tries_add(&tries, slice_text("/b"), 200).count, 1);
	assert_int_equal(tries_add(&tries, slice_text("/a"), 300).count, 2);
	tries_forget(&tries, slice_text("/a"));
	tries_forget(&tries, slice_text("/never"));
	assert_int_equal(tries_add(&tries, slice_text("/a"), 400).count, 1);
	assert_int_equal(tries_add(&tries, slice_text("/b"), 500).count, 2);
	tries_free(&tries);
	assert_null(tries);
}

static void test_the_first_try_in_a_row_tells_since_when(void **state)
{
	struct tries *tries = NULL;
	(void)state;
	assert_int_equal(tries_add(&tries, slice_text("/a"), 100).since_ms, 100);
	assert_int_equal(tries_add(&tries, slice_text("/b"), 200).since_ms, 200);
	assert_int_equal(tries_add(&tries, slice_text("/a"), 300).since_ms, 100);
	tries_forget(&tries, slice_text("/a"));
	assert_int_equal(tries_add(&tries, slice_text("/a"), 400).since_ms, 400);
	tries_free(&tries);
}

static void test_last_one_forgotten_leaves_nothing(void **state)
{
	struct tries *tries = NULL;
	(void)state;
	tries_forget(&tries, slice_text("/a"));
	tries_add(&tries, slice_text("/a"), 600);
	tries_forget(&tries, slice_text("/a"));
	assert_null(tries);
	tries_free(&tries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_counts_are_kept_by_path_and_forgotten_alone),
	        cmocka_unit_test(test_the_first_try_in_a_row_tells_since_when),
	        cmocka_unit_test(test_last_one_forgotten_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
