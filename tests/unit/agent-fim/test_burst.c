#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/fim/burst.h"

#include <cmocka.h>

#define AN_HOUR_MS 3600000

static void test_a_single_change_waits_for_nothing(void **state)
{
	(void)state;
	struct burst burst = {0};
	for (uint64_t now_ms = AN_HOUR_MS; now_ms < AN_HOUR_MS + 1000; now_ms += 10) {
		assert_false(burst_is_gathering(&burst, 1, now_ms));
		burst_add(&burst, 1, now_ms);
	}
}

static void test_a_large_batch_is_one_at_once(void **state)
{
	(void)state;
	struct burst burst = {0};
	burst_add(&burst, BURST_PATHS, AN_HOUR_MS);
	assert_true(burst_is_gathering(&burst, 1, AN_HOUR_MS));
	assert_true(burst_is_gathering(&burst, 1, AN_HOUR_MS + BURST_GATHER_MS - 1));
	assert_false(burst_is_gathering(&burst, 1, AN_HOUR_MS + BURST_GATHER_MS));
}

static void test_small_batches_in_a_row_are_one(void **state)
{
	(void)state;
	struct burst burst = {0};
	uint64_t now_ms = AN_HOUR_MS;
	size_t batches = 0;
	while (!burst_is_gathering(&burst, 1, now_ms)) {
		burst_add(&burst, 2, now_ms);
		batches++;
		now_ms += 2;
	}
	assert_int_equal(batches, BURST_PATHS / 2);
}

static void test_it_lasts_while_what_gathers_is_many(void **state)
{
	(void)state;
	struct burst burst = {0};
	uint64_t now_ms = AN_HOUR_MS;
	burst_add(&burst, BURST_PATHS, now_ms);
	now_ms += BURST_GATHER_MS;
	burst_add(&burst, BURST_PATHS, now_ms);
	assert_true(burst_is_gathering(&burst, 1, now_ms + 1));
	now_ms += BURST_GATHER_MS;
	burst_add(&burst, BURST_PATHS - 1, now_ms);
	assert_false(burst_is_gathering(&burst, 1, now_ms + 1));
}

static void test_enough_does_not_wait(void **state)
{
	(void)state;
	struct burst burst = {0};
	burst_add(&burst, BURST_PATHS, AN_HOUR_MS);
	assert_true(burst_is_gathering(&burst, BURST_MOST_PATHS - 1, AN_HOUR_MS + 1));
	assert_false(burst_is_gathering(&burst, BURST_MOST_PATHS, AN_HOUR_MS + 1));
}

int main(void)
{
	const struct CMUnitTest TESTS[] = {
	        cmocka_unit_test(test_a_single_change_waits_for_nothing),
	        cmocka_unit_test(test_a_large_batch_is_one_at_once),
	        cmocka_unit_test(test_small_batches_in_a_row_are_one),
	        cmocka_unit_test(test_it_lasts_while_what_gathers_is_many),
	        cmocka_unit_test(test_enough_does_not_wait),
	};
	return cmocka_run_group_tests(TESTS, NULL, NULL);
}
