#include "tests/unit/agent-watch/watch_scene.h"

static void forget(struct bench *bench)
{
	bench->count = 0;
}

static void test_renamed_directory_reports_under_its_new_path(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "a");
	make_dir(bench, "a/b");
	make_dir(bench, "a/b/c");
	add(bench, NULL);
	add(bench, "a");
	add(bench, "a/b");
	add(bench, "a/b/c");
	move(bench, "a", "z");
	write_file(bench, "z/b/c/leaf", "x");
	await(bench, "z/b/c/leaf", TOUCH_DONE);
	assert_non_null(rename_to(bench, "z"));
	assert_true(watch_has(bench->watch, slice_text(in(bench, "z/b/c"))));
	assert_false(watch_has(bench->watch, slice_text(in(bench, "a"))));
	assert_int_equal(watch_count(bench->watch), 4);
	assert_int_equal(add(bench, "z/b"), 1);
}

static void test_directory_moved_out_loses_its_watches(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m");
	make_dir(bench, "m/a");
	make_dir(bench, "m/a/b");
	make_dir(bench, "u");
	add(bench, "m");
	add(bench, "m/a");
	add(bench, "m/a/b");
	move(bench, "m/a", "u/a");
	await(bench, "m/a", TOUCH_GONE | TOUCH_DIRECTORY);
	assert_int_equal(watch_count(bench->watch), 1);
	forget(bench);
	write_file(bench, "u/a/b/x", "x");
	write_file(bench, "m/last", "x");
	await(bench, "m/last", TOUCH_DONE);
	assert_int_equal(hints_for(bench, "m/a/b/x"), 0);
	assert_int_equal(bench->count, 1);
}

static void test_directory_moved_out_and_back_is_heard_again(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m");
	make_dir(bench, "m/a");
	make_dir(bench, "u");
	add(bench, "m");
	add(bench, "m/a");
	move(bench, "m/a", "u/a");
	await(bench, "m/a", TOUCH_GONE);
	bench->adds_directories = true;
	move(bench, "u/a", "m/a");
	await(bench, "m/a", TOUCH_CREATED | TOUCH_DIRECTORY);
	write_file(bench, "m/a/x", "x");
	await(bench, "m/a/x", TOUCH_DONE);
	assert_int_equal(watch_count(bench->watch), 2);
}

static void test_deleted_directory_is_watched_anew(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "d");
	add(bench, NULL);
	add(bench, "d");
	bench->adds_directories = true;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(rmdir(in(bench, "d")), 0);
		make_dir(bench, "d");
		await(bench, "d", TOUCH_CREATED | TOUCH_DIRECTORY);
		write_file(bench, "d/x", "x");
		await(bench, "d/x", TOUCH_DONE);
		assert_int_equal(unlink(in(bench, "d/x")), 0);
	}
	settle_down(bench);
	assert_int_equal(watch_count(bench->watch), 2);
}

/* The walk may add a directory under its new path before the drain has read of the rename, and a
 * new one under the old path: what the record says is older than what the kernel told. */
static void test_rename_read_late_does_not_move_what_was_added_since(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "a");
	add(bench, NULL);
	add(bench, "a");
	move(bench, "a", "b");
	make_dir(bench, "a");
	assert_int_equal(add(bench, "a"), 0);
	assert_int_equal(add(bench, "b"), 0);
	settle_down(bench);
	assert_non_null(rename_to(bench, "b"));
	write_file(bench, "a/in-a", "x");
	write_file(bench, "b/in-b", "x");
	await(bench, "b/in-b", TOUCH_DONE);
	assert_true(hints_for(bench, "a/in-a") & TOUCH_DONE);
	assert_int_equal(watch_count(bench->watch), 3);
}

static void test_directory_found_under_another_path_takes_it(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "a");
	make_dir(bench, "a/s");
	make_dir(bench, "t");
	add(bench, "a");
	add(bench, "a/s");
	move(bench, "a", "t/b"); /* nobody watches the parent: moved unseen, but for itself */
	assert_int_equal(add(bench, "t/b"), 0);
	write_file(bench, "t/b/s/x", "x");
	await(bench, "t/b/s/x", TOUCH_DONE);
	assert_int_equal(watch_count(bench->watch), 2);
}

static void test_directory_found_inside_its_old_path_is_heard_there(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "a");
	make_dir(bench, "a/s");
	add(bench, "a");
	add(bench, "a/s");
	move(bench, "a/s", "t");
	move(bench, "a", "t/a");
	move(bench, "t", "a"); /* what was a/s is now a, what was a is a/a */
	assert_int_equal(add(bench, "a"), 0);
	assert_int_equal(add(bench, "a/a"), 0);
	write_file(bench, "a/x", "x");
	write_file(bench, "a/a/y", "x");
	await(bench, "a/a/y", TOUCH_DONE);
	assert_true(hints_for(bench, "a/x") & TOUCH_DONE);
}

static void test_attributes_of_a_directory_are_said_once(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "d");
	add(bench, NULL);
	add(bench, "d");
	assert_int_equal(chmod(in(bench, "d"), 0700), 0);
	settle_down(bench);
	assert_int_equal(count_for(bench, "d", TOUCH_DONE | TOUCH_DIRECTORY), 1);
}

static void test_root_without_a_watched_parent_says_its_own_end(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "d");
	add(bench, "d");
	assert_int_equal(rmdir(in(bench, "d")), 0);
	await(bench, "d", TOUCH_GONE | TOUCH_DIRECTORY);
	make_dir(bench, "d");
	assert_int_equal(add(bench, "d"), 0);
	move(bench, "d", "e");
	await(bench, "d", TOUCH_GONE | TOUCH_DIRECTORY);
	assert_int_equal(watch_count(bench->watch), 0);
}

static void test_names_are_byte_exact(void **state)
{
	static const char *const names[] = {" lead", "tab\there", "new\nline", "\"quote'",
	        "\xff\xfe not utf-8", "\xe2\x80\xae\xd7\x90", "-rf", "a\\b", "..."};
	struct bench *bench = *state;
	char longest[256];
	memset(longest, 'n', 255);
	longest[255] = '\0';
	add(bench, NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		write_file(bench, names[i], "x");
	write_file(bench, longest, "x");
	await(bench, longest, TOUCH_DONE);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(hints_for(bench, names[i]) & TOUCH_DONE);
}

static void test_what_cannot_be_watched_is_an_error(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "file", "x");
	make_dir(bench, "d");
	assert_int_equal(symlink("d", in(bench, "link")), 0);
	assert_int_equal(add(bench, "missing"), -ENOENT);
	assert_int_equal(add(bench, "file"), -ENOTDIR);
	assert_int_equal(add(bench, "link"), -ENOTDIR);
	assert_int_equal(watch_count(bench->watch), 0);
	assert_int_equal(bench->degraded, 0);
}

static void test_removing_ends_the_subtree_only(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m");
	make_dir(bench, "m/d");
	make_dir(bench, "mm");
	add(bench, "m");
	add(bench, "m/d");
	add(bench, "mm");
	watch_remove(bench->watch, slice_text(in(bench, "m")));
	assert_false(watch_has(bench->watch, slice_text(in(bench, "m/d"))));
	assert_true(watch_has(bench->watch, slice_text(in(bench, "mm"))));
	write_file(bench, "m/d/x", "x");
	write_file(bench, "mm/x", "x");
	await(bench, "mm/x", TOUCH_DONE);
	assert_int_equal(hints_for(bench, "m/d/x"), 0);
	assert_int_equal(add(bench, "m"), 0);
	write_file(bench, "m/x", "x");
	await(bench, "m/x", TOUCH_DONE);
}

/* Each watch that is given back takes a place in the kernel's queue. */
static void test_removing_very_many_does_not_overflow_the_queue(void **state)
{
	struct bench *bench = *state;
	char name[64];
	make_dir(bench, "big");
	add(bench, NULL);
	add(bench, "big");
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "big/%d", i);
		make_dir(bench, name);
		if (add(bench, name) < 0)
			skip(); /* max_user_watches of this host is lower */
		if (i % 4000 == 0)
			settle_down(bench), forget(bench);
	}
	forget(bench);
	watch_remove(bench->watch, slice_text(in(bench, "big")));
	assert_int_equal(watch_count(bench->watch), 1);
	for (int i = 0; i < 30; i++) {
		settle_down(bench);
		forget(bench);
	}
	assert_int_equal(bench->overflows, 0);
}

static void test_overflow_is_said_and_hearing_goes_on(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "d");
	add(bench, NULL);
	add(bench, "d");
	/* Alternating names: identical neighbours would be merged by the kernel. */
	for (int i = 0; i < 60000; i++) {
		assert_int_equal(chmod(in(bench, "d"), i % 2 ? 0700 : 0755), 0);
		assert_int_equal(chmod(bench->dir, i % 2 ? 0700 : 0755), 0);
	}
	bench->forgets = true;
	run(bench);
	assert_int_equal(bench->overflows, 1);
	assert_int_equal(rmdir(in(bench, "d")), 0);
	make_dir(bench, "d");
	settle_down(bench);
	assert_int_equal(add(bench, "d"), 0);
	write_file(bench, "d/x", "x");
	await(bench, "d/x", TOUCH_DONE);
}

static void test_what_an_overflow_hid_loses_its_watch(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "d");
	make_dir(bench, "e");
	add(bench, NULL);
	add(bench, "d");
	add(bench, "e");
	for (int i = 0; i < 60000; i++) {
		assert_int_equal(chmod(in(bench, "d"), i % 2 ? 0700 : 0755), 0);
		assert_int_equal(chmod(bench->dir, i % 2 ? 0700 : 0755), 0);
	}
	move(bench, "e", "f"); /* nobody is told */
	bench->forgets = true;
	run(bench);
	assert_int_equal(bench->overflows, 1);
	add(bench, NULL);
	add(bench, "d");
	watch_compared(bench->watch);
	assert_int_equal(watch_count(bench->watch), 2);
	assert_false(watch_has(bench->watch, slice_text(in(bench, "e"))));
}

static void test_a_detour_through_a_link_does_not_take_a_watch_away(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "a");
	make_dir(bench, "a/s");
	add(bench, "a");
	add(bench, "a/s");
	assert_int_equal(symlink(in(bench, "a"), in(bench, "l")), 0);
	assert_int_equal(add(bench, "l/s"), -ENOTDIR);
	write_file(bench, "a/s/x", "x");
	await(bench, "a/s/x", TOUCH_DONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_renamed_directory_reports_under_its_new_path),
	        TEST(test_directory_moved_out_loses_its_watches),
	        TEST(test_directory_moved_out_and_back_is_heard_again),
	        TEST(test_deleted_directory_is_watched_anew),
	        TEST(test_rename_read_late_does_not_move_what_was_added_since),
	        TEST(test_directory_found_under_another_path_takes_it),
	        TEST(test_directory_found_inside_its_old_path_is_heard_there),
	        TEST(test_attributes_of_a_directory_are_said_once),
	        TEST(test_root_without_a_watched_parent_says_its_own_end),
	        TEST(test_names_are_byte_exact),
	        TEST(test_what_cannot_be_watched_is_an_error),
	        TEST(test_removing_ends_the_subtree_only),
	        TEST(test_removing_very_many_does_not_overflow_the_queue),
	        TEST(test_overflow_is_said_and_hearing_goes_on),
	        TEST(test_what_an_overflow_hid_loses_its_watch),
	        TEST(test_a_detour_through_a_link_does_not_take_a_watch_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
