#include "tests/unit/agent-watch/watch_scene.h"

static void test_written_file_is_created_and_done(void **state)
{
	struct bench *bench = *state;
	assert_int_equal(add(bench, NULL), 0);
	write_file(bench, "a", "x");
	await(bench, "a", TOUCH_DONE);
	assert_int_equal(
	        hints_for(bench, "a"), TOUCH_CREATED | TOUCH_WRITING | TOUCH_REREAD | TOUCH_DONE);
}

static void test_file_held_open_is_being_written(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "a", "x");
	add(bench, NULL);
	int fd = open(in(bench, "a"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "y", 1), 1);
	await(bench, "a", TOUCH_WRITING);
	assert_int_equal(hints_for(bench, "a"), TOUCH_WRITING | TOUCH_REREAD);
	close(fd);
	await(bench, "a", TOUCH_DONE);
}

static void test_reading_is_silent(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "a", "x");
	add(bench, NULL);
	int fd = open(in(bench, "a"), O_RDONLY | O_CLOEXEC);
	char byte;
	assert_int_equal(read(fd, &byte, 1), 1);
	close(fd);
	settle_down(bench);
	assert_int_equal(hints_for(bench, "a"), 0);
}

static void test_every_life_is_said(void **state)
{
	struct bench *bench = *state;
	add(bench, NULL);
	for (int i = 0; i < 100; i++) {
		write_file(bench, "a", "x");
		assert_int_equal(unlink(in(bench, "a")), 0);
	}
	settle_down(bench);
	assert_int_equal(count_for(bench, "a", TOUCH_CREATED), 100);
	assert_true(hints_for(bench, "a") & TOUCH_GONE);
}

static void test_paths_without_a_close_wait_for_quiet_only(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "a", "x");
	add(bench, NULL);
	assert_int_equal(symlink("a", in(bench, "link")), 0);
	assert_int_equal(mkfifo(in(bench, "fifo"), 0600), 0);
	assert_int_equal(link(in(bench, "a"), in(bench, "hard")), 0);
	settle_down(bench);
	assert_int_equal(hints_for(bench, "link"), TOUCH_CREATED | TOUCH_WRITING);
	assert_int_equal(hints_for(bench, "fifo"), TOUCH_CREATED | TOUCH_WRITING);
	assert_int_equal(hints_for(bench, "hard"), TOUCH_CREATED | TOUCH_WRITING);
}

static void test_rename_is_one_touch_with_both_paths(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "a", "x");
	make_dir(bench, "d");
	add(bench, NULL);
	add(bench, "d");
	move(bench, "a", "d/b");
	await(bench, "d/b", TOUCH_DONE);
	const struct seen *seen = rename_to(bench, "d/b");
	assert_non_null(seen);
	assert_string_equal(seen->old_path, in(bench, "a"));
	assert_int_equal(seen->hints, TOUCH_DONE);
	settle_down(bench);
	assert_int_equal(hints_for(bench, "a"), 0);
}

static void test_move_to_nowhere_is_gone(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m");
	make_dir(bench, "u");
	write_file(bench, "m/a", "x");
	add(bench, "m");
	move(bench, "m/a", "u/a");
	await(bench, "m/a", TOUCH_GONE | TOUCH_DONE);
	assert_int_equal(hints_for(bench, "u/a"), 0);
}

static void test_move_from_nowhere_is_created(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m");
	make_dir(bench, "u");
	write_file(bench, "u/a", "x");
	make_dir(bench, "u/d");
	add(bench, "m");
	move(bench, "u/a", "m/a");
	move(bench, "u/d", "m/d");
	await(bench, "m/d", TOUCH_CREATED | TOUCH_DONE | TOUCH_DIRECTORY);
	assert_int_equal(hints_for(bench, "m/a"), TOUCH_CREATED | TOUCH_DONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_written_file_is_created_and_done),
	        TEST(test_file_held_open_is_being_written),
	        TEST(test_reading_is_silent),
	        TEST(test_every_life_is_said),
	        TEST(test_paths_without_a_close_wait_for_quiet_only),
	        TEST(test_rename_is_one_touch_with_both_paths),
	        TEST(test_move_to_nowhere_is_gone),
	        TEST(test_move_from_nowhere_is_created),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
