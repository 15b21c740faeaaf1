#include "agent/fim/settle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define READINGS 3 /* a minute are not too many */

static struct settle *settle;
static uint64_t now;

static void on_overflowed(void *ctx, struct slice dir, enum event_cause cause)
{
	(void)ctx;
	(void)cause;
	fail_msg("'%.*s' has overflowed", SLICE_ARG(dir));
}

static int begin(void **state)
{
	struct settle_limits limits = {.busy_per_minute = READINGS};
	(void)state;
	now = 1000;
	settle = settle_new(&limits, on_overflowed, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	settle_free(settle);
	return 0;
}

static void touch(const char *path, unsigned hints)
{
	struct touch one = {.path = slice_text(path), .hints = hints, .cause = CAUSE_LIVE};
	settle_touch(settle, &one, now);
}

static void rename_to(const char *path, const char *old_path)
{
	struct touch one = {.path = slice_text(path),
	        .old_path = slice_text(old_path),
	        .hints = TOUCH_DONE,
	        .cause = CAUSE_LIVE};
	settle_touch(settle, &one, now);
}

static const struct settled *take(const char *path)
{
	const struct settled *settled = NULL;
	if (settle_take(settle, now, &settled, 1) == 0)
		fail_msg("nothing is ready, not '%s'", path);
	if (!slice_is(settled->path, path))
		fail_msg("'%.*s' is ready, not '%s'", SLICE_ARG(settled->path), path);
	return settled;
}

static void read_once(const char *path)
{
	settle_finish(settle, take(path), 0, now);
}

static void assert_nothing(void)
{
	const struct settled *settled = NULL;
	if (settle_take(settle, now, &settled, 1) > 0)
		fail_msg("'%.*s' is ready", SLICE_ARG(settled->path));
}

static void make_busy(const char *path)
{
	for (unsigned i = 0; i <= READINGS; i++) {
		touch(path, TOUCH_DONE);
		read_once(path);
		now += 10;
	}
}

static void test_changes_of_a_busy_path_gather_and_are_counted(void **state)
{
	(void)state;
	make_busy("/log");
	for (unsigned i = 0; i < 50; i++, now += 100) {
		touch("/log", TOUCH_WRITING | TOUCH_REREAD);
		touch("/log", TOUCH_DONE);
		assert_nothing();
	}
	assert_int_equal(settle_count(settle), 1);
	assert_int_equal(settle_count_current(settle), 0);
	assert_int_equal(settle_count_cause(settle, CAUSE_LIVE), 0);
	now = settle_next_ms(settle);
	assert_true(now <= 1000 + 10 * READINGS + 10000);
	const struct settled *settled = take("/log");
	assert_int_equal(settled->changes, 50);
	assert_int_equal(settle_count_cause(settle, CAUSE_LIVE), 1);
	settle_finish(settle, settled, 0, now);
	assert_int_equal(settle_count(settle), 0);
}

static void test_what_is_not_busy_has_no_count(void **state)
{
	(void)state;
	touch("/file", TOUCH_WRITING);
	touch("/file", TOUCH_WRITING);
	touch("/file", TOUCH_DONE);
	const struct settled *settled = take("/file");
	assert_int_equal(settled->changes, 0);
	settle_finish(settle, settled, 0, now);
}

static void test_writing_that_never_ends_is_counted_by_its_steps(void **state)
{
	(void)state;
	make_busy("/log");
	for (unsigned i = 0; i < 7; i++)
		touch("/log", TOUCH_WRITING | TOUCH_REREAD);
	now = settle_next_ms(settle);
	const struct settled *settled = take("/log");
	assert_int_equal(settled->changes, 7);
	settle_finish(settle, settled, 0, now);
}

static void test_a_count_survives_a_reading_that_failed(void **state)
{
	(void)state;
	make_busy("/log");
	touch("/log", TOUCH_DONE);
	touch("/log", TOUCH_DONE);
	now = settle_next_ms(settle);
	settle_finish(settle, take("/log"), 20, now);
	assert_int_equal(settle_next_ms(settle), now + 20);
	assert_int_equal(settle_count_current(settle), 1);
	now += 20;
	const struct settled *settled = take("/log");
	assert_int_equal(settled->changes, 2);
	settle_finish(settle, settled, 0, now);
}

static void test_that_a_busy_path_is_gone_is_told_at_once_but_not_each_time(void **state)
{
	(void)state;
	make_busy("/log");
	touch("/log", TOUCH_DONE);
	assert_nothing();
	touch("/log", TOUCH_GONE);
	read_once("/log");
	touch("/log", TOUCH_CREATED | TOUCH_WRITING);
	touch("/log", TOUCH_GONE);
	assert_nothing();
	now = settle_next_ms(settle);
	read_once("/log");
}

static void test_a_lock_that_comes_and_goes_is_put_off_as_a_whole(void **state)
{
	(void)state;
	make_busy("/lock");
	for (unsigned i = 0; i < 9; i++) {
		touch("/lock", TOUCH_CREATED | TOUCH_WRITING);
		touch("/lock", TOUCH_GONE);
		assert_nothing();
	}
	now = settle_next_ms(settle);
	const struct settled *settled = take("/lock");
	assert_int_equal(settled->lives, 9);
	settle_finish(settle, settled, 0, now);
}

static void test_saving_by_rename_is_put_off_with_both_paths(void **state)
{
	(void)state;
	make_busy("/file");
	for (unsigned i = 0; i < 5; i++) {
		touch("/file.new", TOUCH_CREATED | TOUCH_WRITING);
		rename_to("/file", "/file.new");
		assert_nothing();
	}
	now = settle_next_ms(settle);
	const struct settled *settled = take("/file");
	assert_true(slice_is(settled->old_path, "/file.new"));
	assert_int_equal(settled->changes, 5);
	settle_finish(settle, settled, 0, now);
	assert_nothing();
	assert_int_equal(settle_count(settle), 0);
}

static void test_what_becomes_of_the_old_path_does_not_wait_for_the_busy_one(void **state)
{
	(void)state;
	make_busy("/file");
	touch("/other", TOUCH_CREATED | TOUCH_WRITING);
	rename_to("/file", "/other");
	assert_nothing();
	touch("/other", TOUCH_CREATED | TOUCH_DIRECTORY);
	read_once("/file");
	read_once("/other");
	assert_int_equal(settle_count(settle), 0);
}

static void test_renaming_a_busy_path_away_is_told_at_once(void **state)
{
	(void)state;
	make_busy("/log");
	touch("/log", TOUCH_DONE);
	assert_nothing();
	rename_to("/log.1", "/log");
	assert_int_equal(settle_count_current(settle), settle_count(settle));
	const struct settled *settled = take("/log.1");
	assert_true(slice_is(settled->old_path, "/log"));
	settle_finish(settle, settled, 0, now);
	assert_int_equal(settle_count(settle), 0);
}

static void test_what_a_walk_finds_is_not_put_off(void **state)
{
	(void)state;
	make_busy("/log");
	touch("/log", TOUCH_DONE);
	assert_nothing();
	struct touch found = {
	        .path = slice_text("/log"), .hints = TOUCH_DONE, .cause = CAUSE_OFFLINE};
	settle_touch(settle, &found, now);
	read_once("/log");
}

static void test_a_mark_ends_putting_off(void **state)
{
	(void)state;
	make_busy("/log");
	touch("/log", TOUCH_DONE);
	touch("/log", TOUCH_DONE);
	settle_mark(settle);
	assert_int_equal(settle_count_older(settle), 1);
	const struct settled *settled = take("/log");
	assert_int_equal(settled->changes, 2);
	settle_finish(settle, settled, 0, now);
	assert_int_equal(settle_count_older(settle), 0);
	touch("/log", TOUCH_DONE);
	assert_nothing();
	assert_int_equal(settle_count_older(settle), 0);
}

#define WITH_SETTLE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_SETTLE(test_changes_of_a_busy_path_gather_and_are_counted),
	        WITH_SETTLE(test_what_is_not_busy_has_no_count),
	        WITH_SETTLE(test_writing_that_never_ends_is_counted_by_its_steps),
	        WITH_SETTLE(test_a_count_survives_a_reading_that_failed),
	        WITH_SETTLE(test_that_a_busy_path_is_gone_is_told_at_once_but_not_each_time),
	        WITH_SETTLE(test_a_lock_that_comes_and_goes_is_put_off_as_a_whole),
	        WITH_SETTLE(test_saving_by_rename_is_put_off_with_both_paths),
	        WITH_SETTLE(test_what_becomes_of_the_old_path_does_not_wait_for_the_busy_one),
	        WITH_SETTLE(test_renaming_a_busy_path_away_is_told_at_once),
	        WITH_SETTLE(test_what_a_walk_finds_is_not_put_off),
	        WITH_SETTLE(test_a_mark_ends_putting_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
