/* What becomes of renamed paths. */
#include "tests/unit/agent-fim/journal_scene.h"

/* --- renames --------------------------------------------------------------------------------- */

static void test_a_moved_file_is_moved_with_its_hash(void **state)
{
	(void)state;
	KNOW("m/a");
	struct filestate before, after;
	assert_true(is_known("m/a", &before));
	rename_one("m/a", "m/b", 0);
	run();
	assert_told("moved m/a -> m/b\n");
	assert_false(is_known("m/a", NULL));
	assert_true(is_known("m/b", &after));
	assert_int_equal(after.hash, HASH_DONE);
	assert_memory_equal(before.sha256, after.sha256, SHA256_BYTES);
}

static void test_a_file_moved_and_changed_says_both(void **state)
{
	(void)state;
	KNOW("m/a");
	rename_one("m/a", "m/b", 0);
	write_file("m/b", "another content\n");
	touch("m/b", TOUCH_DONE);
	run();
	assert_told("moved m/a -> m/b content\n");
}

static void test_a_rename_over_a_known_file_modifies_it(void **state)
{
	(void)state;
	KNOW("m/a", "m/b");
	write_file("m/a", "second\n");
	rename_one("m/a", "m/b", 0);
	run();
	assert_told("modified m/b content\ndeleted m/a\n");
}

static void test_a_safe_save_is_one_modification(void **state)
{
	(void)state;
	KNOW("m/a");
	write_file("m/.a.tmp", "second\n");
	touch("m/.a.tmp", TOUCH_CREATED | TOUCH_WRITING);
	rename_one("m/.a.tmp", "m/a", 0);
	run();
	assert_told("modified m/a content\n");
}

static void test_a_rotation_tells_its_moves(void **state)
{
	(void)state;
	KNOW("m/log", "m/log.1");
	rename_one("m/log.1", "m/log.2", 0);
	rename_one("m/log", "m/log.1", 0);
	write_file("m/log", "new\n");
	touch("m/log", TOUCH_CREATED | TOUCH_DONE);
	run();
	assert_told("moved m/log.1 -> m/log.2\nmoved m/log -> m/log.1\ncreated m/log\n");
}

static void test_a_moved_directory_keeps_what_is_known_below(void **state)
{
	(void)state;
	KNOW("m/d/", "m/d/a", "m/d/e/", "m/d/e/f");
	/* A touch under the old name, not yet looked at. */
	touch("m/d/a", TOUCH_DONE);
	rename_one("m/d", "m/n", TOUCH_DIRECTORY);
	run();
	assert_told("moved m/d -> m/n\n");
	assert_true(is_known("m/n/e/f", NULL));
	assert_false(is_known("m/d/e/f", NULL));
	assert_int_equal(directory_count, 1); /* to be walked */
}

/* A batch holds readings of different moments. */
static void test_what_is_seen_before_its_directory_waits_for_it(void **state)
{
	(void)state;
	KNOW("m/other");
	make_dir("m/d");
	make_dir("m/d/e");
	write_file("m/d/e/f", "x");
	touch("m/d/e/f", TOUCH_CREATED | TOUCH_DONE);
	run();
	assert_told("created m/d\ncreated m/d/e\ncreated m/d/e/f\n");
}

static void test_nothing_is_kept_that_was_seen_through_a_link(void **state)
{
	(void)state;
	KNOW("m/d/", "m/d/e/", "m/d/e/f");
	assert_int_equal(symlink("d", scratch_path(&scratch, "m/link")), 0);
	touch("m/link/e/f", TOUCH_DONE);
	touch("m/link", TOUCH_CREATED | TOUCH_DONE);
	run();
	assert_told("created m/link\n");
}

static void test_directories_that_went_to_and_fro_are_listed(void **state)
{
	(void)state;
	KNOW("m/d/", "m/d/f");
	rename_one("m/d", "m/e", TOUCH_DIRECTORY | TOUCH_RELIST);
	rename_one("m/e", "m/d", TOUCH_DIRECTORY | TOUCH_RELIST);
	run();
	assert_told("");
	assert_int_equal(directory_count, 1);
}

static void test_changes_of_files_with_more_names_are_reported(void **state)
{
	(void)state;
	KNOW("m/a", "m/b");
	assert_int_equal(link(scratch_path(&scratch, "m/a"), scratch_path(&scratch, "m/c")), 0);
	write_file("m/a", "second\n");
	write_file("m/b", "second\n");
	touch("m/a", TOUCH_DONE);
	touch("m/b", TOUCH_DONE);
	run();
	assert_int_equal(linked_count, 1);
	touch("m/a", TOUCH_DONE);
	run();
	assert_int_equal(linked_count, 1);
}

static void assert_changed(const char *wanted)
{
	assert_string_equal(buf_text(&changed), wanted);
	buf_reset(&changed);
}

static void test_what_was_told_of_is_reported_a_directory_as_a_whole(void **state)
{
	(void)state;
	KNOW("m/a", "m/d/", "m/d/f");
	buf_reset(&changed);
	write_file("m/a", "second\n");
	touch("m/a", TOUCH_DONE);
	run();
	assert_changed("m/a\n");
	touch("m/a", TOUCH_DONE);
	assert_int_equal(chmod(scratch_path(&scratch, "m/d"), 0700), 0);
	touch("m/d", TOUCH_DONE | TOUCH_DIRECTORY);
	run();
	assert_changed("");
	rename_one("m/a", "m/b", 0);
	run();
	assert_changed("m/b\nm/a\n");
	rename_one("m/d", "m/e", TOUCH_DIRECTORY);
	run();
	assert_changed("m/e/\nm/d/\n");
	assert_int_equal(unlink(scratch_path(&scratch, "m/e/f")), 0);
	assert_int_equal(rmdir(scratch_path(&scratch, "m/e")), 0);
	touch("m/e", TOUCH_GONE | TOUCH_DONE | TOUCH_DIRECTORY);
	run();
	assert_changed("m/e/\n");
}

static void test_an_exchange_modifies_both(void **state)
{
	(void)state;
	KNOW("m/a");
	write_file("m/b", "other content\n");
	touch("m/b", TOUCH_DONE);
	run();
	assert_told("created m/b\n");
	rename_one("m/a", "m/t", 0);
	rename_one("m/b", "m/a", 0);
	rename_one("m/t", "m/b", 0);
	run();
	struct filestate a, b;
	assert_true(is_known("m/a", &a) && is_known("m/b", &b));
	assert_int_equal(a.size, 14);
	assert_int_equal(b.size, 6);
	assert_false(is_known("m/t", NULL));
}

/* m/b was made, filled, and exchanged with the file m/x, all between two looks; the second side of
 * the exchange is the one that is told of. What the directory holds was made under its old name. */
static void test_a_new_directory_at_the_old_path_is_reported(void **state)
{
	(void)state;
	KNOW("m/other");
	write_file("m/x", "text\n");
	rename_one("m/x", "m/b", 0);
	make_dir("m/x");
	make_dir("m/x/c");
	run();
	assert_told("created m/b\ncreated m/x\n");
	assert_int_equal(directory_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(test_a_moved_file_is_moved_with_its_hash),
	        TEST(test_a_file_moved_and_changed_says_both),
	        TEST(test_a_rename_over_a_known_file_modifies_it),
	        TEST(test_a_safe_save_is_one_modification),
	        TEST(test_a_rotation_tells_its_moves),
	        TEST(test_a_moved_directory_keeps_what_is_known_below),
	        TEST(test_what_is_seen_before_its_directory_waits_for_it),
	        TEST(test_nothing_is_kept_that_was_seen_through_a_link),
	        TEST(test_directories_that_went_to_and_fro_are_listed),
	        TEST(test_changes_of_files_with_more_names_are_reported),
	        TEST(test_what_was_told_of_is_reported_a_directory_as_a_whole),
	        TEST(test_an_exchange_modifies_both),
	        TEST(test_a_new_directory_at_the_old_path_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
