#include "tests/unit/agent-fim/settle_scene.h"

static void test_terminal_touches_are_ready_at_once(void **state)
{
	(void)state;
	touch("/done", TOUCH_DONE);
	touch("/gone", TOUCH_GONE);
	touch("/retired", TOUCH_RETIRE);
	touch("/dir", TOUCH_CREATED | TOUCH_DIRECTORY);
	assert_int_equal(settle_next_ms(settle) <= now, true);
	finish(take("/done"));
	finish(take("/gone"));
	finish(take("/retired"));
	finish(take("/dir"));
	assert_int_equal(settle_count(settle), 0);
	assert_true(settle_next_ms(settle) == UINT64_MAX);
}

static void test_writing_waits_for_quiet(void **state)
{
	(void)state;
	touch("/w", TOUCH_CREATED | TOUCH_WRITING);
	assert_nothing();
	assert_int_equal(settle_next_ms(settle), 1500);
	now = 1400;
	touch("/w", TOUCH_WRITING);
	now = 1500;
	assert_nothing();
	assert_int_equal(settle_next_ms(settle), 1900);
	now = 1900;
	const struct settled *settled = take("/w");
	assert_int_equal(settled->lives, 1);
	assert_int_equal(settled->hints, TOUCH_CREATED | TOUCH_WRITING);
	finish(settled);
}

static void test_endless_writing_is_read_after_the_longest_wait(void **state)
{
	(void)state;
	for (now = 1000; now < 4000; now += 100) {
		touch("/w", TOUCH_WRITING);
		assert_nothing();
	}
	now = 4000;
	finish(take("/w"));
}

static void test_a_close_ends_the_wait(void **state)
{
	(void)state;
	touch("/w", TOUCH_WRITING);
	now = 1001;
	touch("/w", TOUCH_DONE);
	assert_int_equal(take("/w")->hints, TOUCH_WRITING | TOUCH_DONE);
}

static void test_what_is_ready_stays_ready(void **state)
{
	(void)state;
	touch("/w", TOUCH_DONE);
	touch("/w", TOUCH_WRITING);
	take("/w");
}

static void test_paths_come_in_the_order_in_which_they_became_ready(void **state)
{
	(void)state;
	const struct settled *out[8];
	touch("/3", TOUCH_WRITING);
	now = 1200;
	touch("/4", TOUCH_WRITING);
	touch("/1", TOUCH_DONE);
	now = 1300;
	touch("/2", TOUCH_DONE);
	now = 9000;
	assert_int_equal(settle_take(settle, now, out, 8), 4);
	for (int i = 0; i < 4; i++) {
		char path[3] = {'/', (char)('1' + i), '\0'};
		assert_true(slice_is(out[i]->path, path));
	}
}

static void test_a_path_is_out_once_and_follows_after(void **state)
{
	(void)state;
	touch("/p", TOUCH_CREATED | TOUCH_DONE);
	const struct settled *first = take("/p");
	touch("/p", TOUCH_DONE);
	touch("/p", TOUCH_GONE);
	assert_nothing();
	assert_int_equal(first->hints, TOUCH_CREATED | TOUCH_DONE);
	finish(first);
	const struct settled *second = take("/p");
	assert_int_equal(second->hints, TOUCH_DONE | TOUCH_GONE);
	assert_int_equal(second->lives, 0);
	finish(second);
	assert_int_equal(settle_count(settle), 0);
}

static void test_a_path_comes_again_after_its_time(void **state)
{
	(void)state;
	touch("/p", TOUCH_CREATED | TOUCH_DONE);
	settle_finish(settle, take("/p"), 200, now);
	assert_nothing();
	assert_int_equal(settle_next_ms(settle), 1200);
	now = 1200;
	const struct settled *again = take("/p");
	assert_int_equal(again->lives, 1);
	assert_int_equal(again->hints, TOUCH_CREATED | TOUCH_DONE);
	/* A close meanwhile needs no waiting. */
	touch("/p", TOUCH_DONE);
	settle_finish(settle, again, 200, now);
	take("/p");
}

static void test_the_first_cause_stays_unless_it_is_born_live(void **state)
{
	(void)state;
	touch_as("/p", TOUCH_DONE, CAUSE_BASELINE);
	touch("/p", TOUCH_WRITING);
	assert_int_equal(settle_count_cause(settle, CAUSE_BASELINE), 1);
	const struct settled *settled = take("/p");
	assert_int_equal(settled->cause, CAUSE_BASELINE);
	/* Not even when it is read again: otherwise a first scan would seem to be over. */
	touch("/p", TOUCH_WRITING);
	settle_finish(settle, settled, 200, now);
	assert_int_equal(settle_count_cause(settle, CAUSE_BASELINE), 1);
	touch("/p", TOUCH_CREATED | TOUCH_DONE);
	assert_int_equal(settle_count_cause(settle, CAUSE_BASELINE), 0);
	settled = take("/p");
	assert_int_equal(settled->cause, CAUSE_LIVE);
	finish(settled);
	assert_int_equal(settle_count_cause(settle, CAUSE_LIVE), 0);
}

static void test_lives_are_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		touch("/p", TOUCH_CREATED | TOUCH_WRITING);
		touch("/p", TOUCH_GONE);
	}
	assert_int_equal(take("/p")->lives, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(test_terminal_touches_are_ready_at_once),
	        TEST(test_writing_waits_for_quiet),
	        TEST(test_endless_writing_is_read_after_the_longest_wait),
	        TEST(test_a_close_ends_the_wait),
	        TEST(test_what_is_ready_stays_ready),
	        TEST(test_paths_come_in_the_order_in_which_they_became_ready),
	        TEST(test_a_path_is_out_once_and_follows_after),
	        TEST(test_a_path_comes_again_after_its_time),
	        TEST(test_the_first_cause_stays_unless_it_is_born_live),
	        TEST(test_lives_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
