#include "agent/packages/breath.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct loop *loop;
static struct breath *breath;
static bool is_taken, is_held;
static int looks, taken_count, held_count;
static int taken_at; /* the look that finds it taken; 0: none */

static bool on_is_taken(void *ctx)
{
	(void)ctx;
	is_taken = ++looks == taken_at;
	return is_taken;
}

static void on_taken(void *ctx)
{
	(void)ctx;
	taken_count++;
	assert_true(is_held);
}

static void on_held(void *ctx, bool held)
{
	(void)ctx;
	is_held = held;
	held_count += held;
}

/* Returns when there is no timer any more. */
static void run(void)
{
	loop_run(loop);
}

static int setup(void **unused)
{
	static const struct breath_events EVENTS = {
	        .is_taken = on_is_taken, .taken = on_taken, .held = on_held};
	(void)unused;
	looks = taken_count = held_count = taken_at = 0;
	is_held = false;
	loop = loop_new();
	breath = breath_new(loop, &EVENTS, NULL);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	breath_free(breath);
	loop_free(loop);
	return 0;
}

static void test_it_is_let_go_when_nobody_takes_the_lock(void **unused)
{
	(void)unused;
	breath_hold(breath);
	assert_true(is_held && breath_is_held(breath));
	run();
	assert_false(is_held || breath_is_held(breath));
	assert_int_equal(looks, 4);
	assert_int_equal(taken_count, 0);
}

static void test_it_is_let_go_after_the_lock_was_seen_to_be_taken(void **unused)
{
	(void)unused;
	taken_at = 2;
	breath_hold(breath);
	run();
	assert_int_equal(taken_count, 1);
	assert_int_equal(looks, 2);
	assert_false(is_held);
	breath_hold(breath);
	assert_true(is_held);
}

static void test_it_is_not_held_again_at_once_but_the_lock_is_looked_at(void **unused)
{
	(void)unused;
	breath_hold(breath);
	breath_hold(breath);
	run();
	breath_hold(breath);
	assert_false(is_held);
	run();
	assert_int_equal(held_count, 1);
	assert_int_equal(looks, 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_it_is_let_go_when_nobody_takes_the_lock),
	        TEST(test_it_is_let_go_after_the_lock_was_seen_to_be_taken),
	        TEST(test_it_is_not_held_again_at_once_but_the_lock_is_looked_at),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
