#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/io/backoff.h"

static void test_wait_lies_between_half_of_the_step_and_the_step(void **state)
{
	(void)state;
	for (uint64_t random = 0; random < 5000; random++) {
		struct backoff backoff = {.first_ms = 1001, .most_ms = 60000};
		uint64_t wait = backoff_next_ms(&backoff, random * 0x9e3779b97f4a7c15u);

		assert_in_range(wait, 500, 1001);
	}
}

static void test_step_doubles_up_to_the_most(void **state)
{
	struct backoff backoff = {.first_ms = 1000, .most_ms = 5000};
	const uint64_t steps[] = {1000, 2000, 4000, 5000, 5000};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		uint64_t half = steps[i] / 2;

		assert_int_equal(backoff_next_ms(&backoff, steps[i] - half), steps[i]);
	}
}

static void test_reset_begins_again_at_the_first_step(void **state)
{
	struct backoff backoff = {.first_ms = 1000, .most_ms = 5000};

	(void)state;
	for (int i = 0; i < 4; i++)
		backoff_next_ms(&backoff, 7);
	backoff_reset(&backoff);
	assert_int_equal(backoff_next_ms(&backoff, 500), 1000);
}

static void test_extreme_values_do_not_overflow(void **state)
{
	struct backoff huge = {.first_ms = UINT64_MAX / 2 + 1, .most_ms = UINT64_MAX};
	struct backoff none = {0};

	(void)state;
	backoff_next_ms(&huge, UINT64_MAX);
	assert_true(backoff_next_ms(&huge, UINT64_MAX) >= UINT64_MAX / 2);
	assert_int_equal(backoff_next_ms(&none, 99), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_wait_lies_between_half_of_the_step_and_the_step),
	        cmocka_unit_test(test_step_doubles_up_to_the_most),
	        cmocka_unit_test(test_reset_begins_again_at_the_first_step),
	        cmocka_unit_test(test_extreme_values_do_not_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
