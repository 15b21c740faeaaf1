#include "agent/fim/unwatched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"

static struct loop *loop;
static struct unwatched *unwatched;
static struct buf told;
static bool is_begun;
static unsigned rounds, wanted_rounds;

static bool on_compare(void *ctx, struct slice dir)
{
	(void)ctx;
	buf_append_slice(&told, dir);
	buf_append_byte(&told, '\n');
	if (++rounds == wanted_rounds)
		loop_stop(loop);
	return is_begun;
}

static int begin(void **state)
{
	(void)state;
	rounds = 0;
	is_begun = false;
	loop = loop_new();
	unwatched = unwatched_new(loop, on_compare, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unwatched_free(unwatched);
	loop_free(loop);
	buf_fini(&told);
	return 0;
}

static void test_each_directory_is_compared_once_a_round(void **state)
{
	(void)state;
	unwatched_add(unwatched, slice_text("/a"));
	unwatched_add(unwatched, slice_text("/a"));
	unwatched_add(unwatched, slice_text("/b"));
	assert_int_equal(unwatched_count(unwatched), 2);
	wanted_rounds = 2;
	loop_run(loop);
	assert_string_equal(buf_text(&told), "/a\n/b\n");
}

static void test_without_directories_nothing_wakes(void **state)
{
	(void)state;
	unwatched_add(unwatched, slice_text("/a"));
	unwatched_remove(unwatched, slice_text("/never"));
	unwatched_remove(unwatched, slice_text("/a"));
	assert_int_equal(unwatched_count(unwatched), 0);
	loop_run(loop); /* ends by itself: no timer is left */
	assert_int_equal(rounds, 0);
}

static void test_a_round_is_not_begun_before_the_last_is_over(void **state)
{
	(void)state;
	is_begun = true;
	unwatched_add(unwatched, slice_text("/a"));
	wanted_rounds = 2;
	loop_run(loop); /* ends: nothing is timed before the round is over */
	assert_int_equal(rounds, 1);
	unwatched_round_over(unwatched);
	loop_run(loop);
	assert_int_equal(rounds, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_each_directory_is_compared_once_a_round, begin, end),
	        cmocka_unit_test_setup_teardown(test_without_directories_nothing_wakes, begin, end),
	        cmocka_unit_test_setup_teardown(
	                test_a_round_is_not_begun_before_the_last_is_over, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
