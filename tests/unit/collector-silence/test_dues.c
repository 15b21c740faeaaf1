#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/silence/dues.h"

#define HOSTS 500

static uint32_t take_first(struct dues *dues, uint64_t *out_at_ms)
{
	uint32_t host;

	assert_true(dues_first(dues, &host, out_at_ms));
	dues_remove(dues, host);
	return host;
}

static void test_hosts_come_in_the_order_of_their_moments(void **state)
{
	uint64_t at_ms, last_ms = 0;
	struct dues dues = {0};
	uint32_t host;

	(void)state;
	for (uint32_t i = 0; i < HOSTS; i++)
		dues_set(&dues, i * 7 % HOSTS, (uint64_t)i * i % 1009);
	for (unsigned i = 0; i < HOSTS; i++) {
		take_first(&dues, &at_ms);
		assert_true(at_ms >= last_ms);
		last_ms = at_ms;
	}
	assert_false(dues_first(&dues, &host, &at_ms));
	dues_fini(&dues);
}

static void test_removed_and_changed_ones_leave_the_others_in_order(void **state)
{
	uint64_t at_ms, last_ms = 0;
	struct dues dues = {0};

	(void)state;
	for (uint32_t host = 0; host < HOSTS; host++)
		dues_set(&dues, host, 1000 + (uint64_t)host * 37 % 211);
	for (uint32_t host = 0; host < HOSTS; host += 3)
		dues_remove(&dues, host);
	dues_remove(&dues, 0);
	dues_remove(&dues, 100000);
	for (uint32_t host = 1; host < HOSTS; host += 3)
		dues_set(&dues, host, 500 + host);
	for (size_t left = dues.count; left > 0; left--) {
		uint32_t host = take_first(&dues, &at_ms);
		assert_int_not_equal(host % 3, 0);
		assert_int_equal(
		        at_ms, host % 3 == 1 ? 500 + host : 1000 + (uint64_t)host * 37 % 211);
		assert_true(at_ms >= last_ms);
		last_ms = at_ms;
	}
	dues_fini(&dues);
}

static void test_all_are_postponed_alike(void **state)
{
	struct dues dues = {0};
	uint64_t at_ms;

	(void)state;
	dues_set(&dues, 1, 20);
	dues_set(&dues, 0, 10);
	dues_postpone(&dues, 100);
	assert_int_equal(take_first(&dues, &at_ms), 0);
	assert_int_equal(at_ms, 110);
	assert_int_equal(take_first(&dues, &at_ms), 1);
	assert_int_equal(at_ms, 120);
	dues_fini(&dues);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hosts_come_in_the_order_of_their_moments),
	        cmocka_unit_test(test_removed_and_changed_ones_leave_the_others_in_order),
	        cmocka_unit_test(test_all_are_postponed_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
