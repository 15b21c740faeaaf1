#include "agent/fim/busy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PATH 77u
#define SETS (BUSY_SLOTS / 4)

static struct busy *busy;

static int begin(void **state)
{
	(void)state;
	busy = busy_new(3);
	return 0;
}

static int end(void **state)
{
	(void)state;
	busy_free(busy);
	return 0;
}

/* Readings from `from_ms` on, a second apart; when the last was. */
static uint64_t read_times(unsigned count, uint64_t from_ms)
{
	for (unsigned i = 0; i < count; i++)
		busy_read(busy, PATH, from_ms + i * 1000);
	return from_ms + (count - 1) * 1000;
}

static void test_few_readings_in_a_minute_put_nothing_off(void **state)
{
	(void)state;
	uint64_t last = read_times(3, 1000);
	assert_int_equal(busy_until(busy, PATH, false, last), 0);
	last = read_times(3, last + 60000);
	assert_int_equal(busy_until(busy, PATH, false, last), 0);
}

static void test_more_put_the_next_off_for_longer_each_time(void **state)
{
	(void)state;
	static const uint64_t PAUSES[] = {10000, 20000, 40000, 60000, 60000};
	uint64_t last = read_times(4, 1000);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t until = last + PAUSES[i];
		assert_int_equal(busy_until(busy, PATH, false, last + 1), until);
		assert_int_equal(busy_until(busy, PATH, false, until - 1), until);
		assert_int_equal(busy_until(busy, PATH, false, until), 0);
		last = until;
		busy_read(busy, PATH, last);
	}
}

static void test_a_path_that_came_to_rest_is_free_again(void **state)
{
	(void)state;
	uint64_t last = read_times(4, 1000) + 10000 + 10001;
	busy_read(busy, PATH, last);
	assert_int_equal(busy_until(busy, PATH, false, last), 0);
	last = read_times(2, last + 1);
	assert_int_equal(busy_until(busy, PATH, false, last), 0);
	read_times(1, last + 1);
	assert_int_not_equal(busy_until(busy, PATH, false, last + 1), 0);
}

static void test_the_first_urgent_change_of_a_pause_is_not_put_off(void **state)
{
	(void)state;
	uint64_t last = read_times(4, 1000), until = last + 10000;
	assert_int_equal(busy_until(busy, PATH, true, last + 1), 0);
	busy_read(busy, PATH, last + 1);
	assert_int_equal(busy_until(busy, PATH, true, last + 2), until);
	assert_int_equal(busy_until(busy, PATH, false, last + 2), until);
	busy_read(busy, PATH, until);
	assert_int_equal(busy_until(busy, PATH, true, until + 1), 0);
}

static void test_other_paths_do_not_matter_until_there_are_too_many(void **state)
{
	(void)state;
	uint64_t last = read_times(4, 1000);
	for (uint32_t i = 1; i < 4; i++) {
		busy_read(busy, PATH + i * SETS, last + i);
		assert_int_equal(busy_until(busy, PATH + i * SETS, false, last + i), 0);
	}
	assert_int_not_equal(busy_until(busy, PATH, false, last + 5), 0);
	busy_read(busy, PATH + 4 * SETS, last + 6);
	assert_int_equal(busy_until(busy, PATH, false, last + 6), 0);
}

static void test_without_a_limit_nothing_is_busy(void **state)
{
	(void)state;
	busy_free(busy);
	busy = busy_new(0);
	assert_int_equal(busy_until(busy, PATH, false, read_times(1000, 1)), 0);
}

#define WITH_BUSY(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_BUSY(test_few_readings_in_a_minute_put_nothing_off),
	        WITH_BUSY(test_more_put_the_next_off_for_longer_each_time),
	        WITH_BUSY(test_a_path_that_came_to_rest_is_free_again),
	        WITH_BUSY(test_the_first_urgent_change_of_a_pause_is_not_put_off),
	        WITH_BUSY(test_other_paths_do_not_matter_until_there_are_too_many),
	        WITH_BUSY(test_without_a_limit_nothing_is_busy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
