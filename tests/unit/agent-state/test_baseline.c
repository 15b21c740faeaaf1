#include "fixture.h"

#include "common/base/buf.h"

static char long_dir[600]; /* longer than keys are: pathkeys are shortened */

static void put(struct state_txn *txn, const char *path, uint64_t inode)
{
	struct filestate file = file_with(inode);
	assert_int_equal(baseline_put(txn, slice_text(path), &file), 0);
}

static void put_all(const char *const *paths)
{
	struct state_txn *txn = begin_txn();
	for (uint64_t i = 0; paths[i]; i++)
		put(txn, paths[i], i);
	commit(txn);
}

static const char *below_long(const char *name)
{
	static char path[4][800];
	static unsigned turn;
	char *text = path[turn++ % 4];
	snprintf(text, sizeof(path[0]), "%s%s", long_dir, name);
	return text;
}

/* Everything below as "path\n" in the order in which it came. */
static int append_line(void *ctx, struct slice path, const struct filestate *file)
{
	(void)file;
	buf_append_slice(ctx, path);
	buf_append_byte(ctx, '\n');
	return 0;
}

static void assert_holds(const char *path, bool wanted)
{
	struct filestate file;
	struct kv_txn *txn = begin_read();
	int rc = baseline_get(txn, slice_text(path), &file);
	kv_abort(txn);
	if (rc != (wanted ? 0 : ERR_MISSING))
		fail_msg("'%s' is %s", path, wanted ? "missing" : "there");
}

static void test_entries_come_by_name_without_what_is_deeper(void **unused)
{
	(void)unused;
	put_all((const char *const[]){
	        "/a/z", "/a/b", "/a/b/deep", "/a/c", "/a", "/ab", "/a-", "/a/\x01", NULL});
	struct baseline_entries *entries;
	struct slice name;
	struct filestate file;
	struct kv_txn *txn = begin_read();
	const char *wanted[] = {"\x01", "b", "c", "z"};
	assert_int_equal(baseline_entries_open(txn, slice_text("/a"), &entries), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(baseline_entries_next(entries, &name, &file), 0);
		assert_true(slice_is(name, wanted[i]));
	}
	assert_int_equal(baseline_entries_next(entries, &name, &file), ERR_MISSING);
	baseline_entries_close(entries);
	kv_abort(txn);
}

static void test_the_root_is_no_entry_of_itself(void **unused)
{
	(void)unused;
	put_all((const char *const[]){"/", "/a", "/a/b", NULL});
	struct baseline_entries *entries;
	struct slice name;
	struct filestate file;
	struct kv_txn *txn = begin_read();
	assert_int_equal(baseline_entries_open(txn, slice_text("/"), &entries), 0);
	assert_int_equal(baseline_entries_next(entries, &name, &file), 0);
	assert_true(slice_is(name, "a"));
	assert_int_equal(baseline_entries_next(entries, &name, &file), ERR_MISSING);
	baseline_entries_close(entries);
	struct buf lines = BUF_INIT;
	assert_int_equal(baseline_each_below(txn, slice_text("/"), append_line, &lines), 0);
	assert_string_equal(buf_text(&lines), "/a\n/a/b\n");
	buf_fini(&lines);
	kv_abort(txn);
}

static void test_backwards_contents_come_before_their_directory(void **unused)
{
	(void)unused;
	put_all((const char *const[]){
	        "/d", "/d/a", "/d/a/x", "/d/a/x/y", "/d/b", "/d.e", "/e", "/d/c", "/d/c/z", NULL});
	struct buf lines = BUF_INIT;
	struct kv_txn *txn = begin_read();
	assert_int_equal(
	        baseline_each_below_backwards(txn, slice_text("/d"), append_line, &lines), 0);
	assert_string_equal(buf_text(&lines), "/d/c/z\n/d/a/x/y\n/d/a/x\n/d/c\n/d/b\n/d/a\n");
	buf_fini(&lines);
	kv_abort(txn);
}

static void test_removing_below_takes_long_paths_and_no_neighbours(void **unused)
{
	(void)unused;
	put_all((const char *const[]){
	        below_long("x"), below_long("y"), "/long", "/longer/a", NULL});
	put_all((const char *const[]){below_long("/f"), below_long("/g/h"), NULL});
	/* shares the shortened prefix */
	struct state_txn *txn = begin_txn();
	put(txn, below_long("x/f"), 1);
	commit(txn);

	txn = begin_txn();
	assert_int_equal(baseline_remove_below(txn, slice_text(long_dir)), 0);
	commit(txn);
	assert_holds(below_long("/f"), false);
	assert_holds(below_long("/g/h"), false);
	assert_holds(below_long("x"), true);
	assert_holds(below_long("x/f"), true);

	txn = begin_txn();
	assert_int_equal(baseline_remove_below(txn, slice_text("/long")), 0);
	commit(txn);
	assert_holds(below_long("x"), false);
	assert_holds(below_long("x/f"), false);
	assert_holds("/long", true);
	assert_holds("/longer/a", true);
}

static void test_a_moved_directory_takes_everything_along(void **unused)
{
	(void)unused;
	put_all((const char *const[]){"/d", "/d/a", "/d/a/b", "/d2", "/e/a", NULL});
	struct state_txn *txn = begin_txn();
	assert_int_equal(baseline_move_below(txn, slice_text("/d"), slice_text("/e")), 0);
	commit(txn);
	struct filestate file;
	struct kv_txn *read = begin_read();
	assert_int_equal(baseline_get(read, slice_text("/e/a"), &file), 0);
	assert_int_equal(file.inode, 1);
	assert_int_equal(baseline_get(read, slice_text("/e/a/b"), &file), 0);
	assert_int_equal(baseline_count(read), 4);
	kv_abort(read);
	assert_holds("/d/a", false);
	assert_holds("/d", true);
	assert_holds("/d2", true);
}

static void test_a_move_into_and_out_of_a_long_path_keeps_the_paths(void **unused)
{
	(void)unused;
	struct filestate file;
	put_all((const char *const[]){"/d/a/b", "/d/c", NULL});
	struct state_txn *txn = begin_txn();
	assert_int_equal(baseline_move_below(txn, slice_text("/d"), slice_text(long_dir)), 0);
	commit(txn);
	struct kv_txn *read = begin_read();
	assert_int_equal(baseline_get(read, slice_text(below_long("/a/b")), &file), 0);
	assert_int_equal(file.inode, 0);
	kv_abort(read);
	assert_holds("/d/c", false);
	txn = begin_txn();
	assert_int_equal(baseline_move_below(txn, slice_text(long_dir), slice_text("/n")), 0);
	commit(txn);
	assert_holds("/n/a/b", true);
	assert_holds("/n/c", true);
	assert_holds(below_long("/c"), false);
}

static void test_a_large_directory_moves_whole(void **unused)
{
	(void)unused;
	struct state_txn *txn = begin_txn();
	for (unsigned i = 0; i < 5000; i++) {
		char path[64];
		snprintf(path, sizeof(path), "/big/%u/%u", i % 10, i);
		put(txn, path, i);
	}
	assert_int_equal(baseline_move_below(txn, slice_text("/big"), slice_text("/new")), 0);
	commit(txn);
	struct buf lines = BUF_INIT;
	struct kv_txn *read = begin_read();
	assert_int_equal(baseline_count(read), 5000);
	assert_int_equal(baseline_each_below(read, slice_text("/big"), append_line, &lines), 0);
	assert_int_equal(lines.len, 0);
	kv_abort(read);
	buf_fini(&lines);
	assert_holds("/new/9/4999", true);
}

static int begin_with_long(void **unused)
{
	size_t len = (size_t)snprintf(long_dir, sizeof(long_dir), "/long");
	while (len < 500)
		len += (size_t)snprintf(long_dir + len, sizeof(long_dir) - len, "/%040d", 7);
	return begin_test(unused);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_with_long, end_test)
	const struct CMUnitTest tests[] = {
	        TEST(test_entries_come_by_name_without_what_is_deeper),
	        TEST(test_the_root_is_no_entry_of_itself),
	        TEST(test_backwards_contents_come_before_their_directory),
	        TEST(test_removing_below_takes_long_paths_and_no_neighbours),
	        TEST(test_a_moved_directory_takes_everything_along),
	        TEST(test_a_move_into_and_out_of_a_long_path_keeps_the_paths),
	        TEST(test_a_large_directory_moves_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
