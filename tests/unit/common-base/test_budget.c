#include "common/base/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "common/base/clock.h"

#define SECOND ((uint64_t)NS_PER_S)

static void test_bytes_are_owed_at_their_rate(void **state)
{
	(void)state;
	struct budget *budget = budget_new(0, 100);
	uint64_t paid_ns = 0;
	assert_int_equal(budget_owe(budget, 50, 0, SECOND, &paid_ns), SECOND / 2);
	assert_int_equal(budget_owe(budget, 50, 0, SECOND, &paid_ns), SECOND);
	/* A second later that is paid, and nothing is saved up while nobody works. */
	assert_int_equal(budget_owe(budget, 50, 0, 9 * SECOND, &paid_ns), SECOND / 2);
	budget_free(budget);
}

static void test_a_fifth_of_a_processor_costs_five_times_as_long(void **state)
{
	(void)state;
	struct budget *budget = budget_new(20, 0);
	uint64_t paid_ns = 0;
	assert_int_equal(budget_owe(budget, UINT32_MAX, SECOND / 10, SECOND, &paid_ns), SECOND / 2);
	budget_free(budget);
}

static void test_the_slower_limit_counts(void **state)
{
	(void)state;
	struct budget *budget = budget_new(50, 100);
	uint64_t paid_ns = 0;
	assert_int_equal(budget_owe(budget, 10, SECOND, 0, &paid_ns), 2 * SECOND);
	paid_ns = 0;
	assert_int_equal(budget_owe(budget, 300, SECOND, 0, &paid_ns), 3 * SECOND);
	budget_free(budget);
}

static void test_a_large_debt_is_forgiven(void **state)
{
	(void)state;
	struct budget *budget = budget_new(0, 1);
	uint64_t paid_ns = 0;
	assert_int_equal(
	        budget_owe(budget, 1u << 30, 0, 0, &paid_ns), DEBT_MS_MAX * (uint64_t)NS_PER_MS);
	budget_free(budget);
}

static void *spend_much(void *ctx)
{
	for (int i = 0; i < 100; i++)
		budget_spend(ctx, 1u << 30, 0);
	return NULL;
}

/* Each round would be held back for seconds: the test would not end. */
static void test_who_is_held_back_is_let_go_by_hurry_and_by_the_end(void **state)
{
	(void)state;
	pthread_t thread;
	struct budget *budget = budget_new(0, 1);
	budget_hurry(budget, true);
	spend_much(budget);
	budget_hurry(budget, false);
	assert_int_equal(pthread_create(&thread, NULL, spend_much, budget), 0);
	budget_stop(budget);
	assert_int_equal(pthread_join(thread, NULL), 0);
	budget_free(budget);
}

static void test_without_limits_nobody_waits(void **state)
{
	(void)state;
	struct budget *budget = budget_new(0, 0);
	spend_much(budget);
	spend_much(NULL);
	budget_free(budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_bytes_are_owed_at_their_rate),
	        cmocka_unit_test(test_a_fifth_of_a_processor_costs_five_times_as_long),
	        cmocka_unit_test(test_the_slower_limit_counts),
	        cmocka_unit_test(test_a_large_debt_is_forgiven),
	        cmocka_unit_test(test_who_is_held_back_is_let_go_by_hurry_and_by_the_end),
	        cmocka_unit_test(test_without_limits_nobody_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
