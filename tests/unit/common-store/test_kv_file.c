#include "tests/unit/common-store/kv_scene.h"

static void test_full_map_is_enospc_and_loses_nothing(void **state)
{
	(void)state;
	struct kv_txn *txn;
	char key[16], value[4000];
	int rc = 0;
	memset(value, 'x', sizeof(value));
	open_store(1 << 20);
	put(FIRST, "kept", "1");
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	for (int i = 0; i < 1000 && rc == 0; i++) {
		snprintf(key, sizeof(key), "%d", i);
		rc = kv_put(txn, FIRST, slice_text(key), slice_of(value, sizeof(value)));
	}
	assert_int_equal(rc, -ENOSPC);
	kv_abort(txn);
	assert_value(FIRST, "kept", "1");
	put(FIRST, "more", "2");
}

static size_t resident_bytes(void)
{
	unsigned long total, resident;
	FILE *statm = fopen("/proc/self/statm", "r");
	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%lu %lu", &total, &resident), 2);
	fclose(statm);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void read_everything(struct kv_txn *txn, uint64_t *out_sum)
{
	struct kv_cursor *cursor;
	struct slice key, value;
	assert_int_equal(kv_cursor_open(txn, FIRST, &cursor), 0);
	for (int rc = kv_first(cursor, &key, &value); rc == 0; rc = kv_next(cursor, &key, &value))
		*out_sum += value.ptr[value.len / 2];
	kv_cursor_close(cursor);
}

static void test_released_pages_do_not_count_as_resident(void **state)
{
	(void)state;
	struct kv_txn *txn;
	uint64_t sum = 0, again = 0;
	open_store(8ull << 30);
	fill(200000);
	assert_int_equal(kv_begin_read(kv, &txn), 0);
	read_everything(txn, &sum);
	size_t before = resident_bytes();
	kv_release_pages(kv);
	size_t after = resident_bytes();
	/* 200 000 records of 208 bytes are more than 40 MB. */
	assert_true(before > after + (32u << 20));
	/* The transaction that was open meanwhile goes on. */
	read_everything(txn, &again);
	assert_true(sum == again && sum == 200000ull * 'x');
	kv_abort(txn);
}

static void test_size_follows_what_is_stored(void **state)
{
	(void)state;
	struct kv_txn *txn;
	struct kv_cursor *cursor;
	struct slice key, value;
	open_store(MAP_BYTES);
	uint64_t empty = kv_size(kv);
	fill(5000);
	uint64_t full = kv_size(kv);
	assert_true(full - empty > 5000 * 200 && full - empty < 5000 * 300);
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	assert_int_equal(kv_cursor_open(txn, FIRST, &cursor), 0);
	for (int rc = kv_first(cursor, &key, &value); rc == 0; rc = kv_next(cursor, &key, &value))
		assert_int_equal(kv_delete_here(cursor), 0);
	kv_cursor_close(cursor);
	assert_int_equal(kv_commit(txn), 0);
	assert_true(kv_size(kv) <= empty + 4096);
}

static void test_reading_a_store_that_is_not_there_is_refused(void **state)
{
	(void)state;
	struct kv *none = NULL;
	struct stat st;
	char sentence[160];
	assert_int_equal(kv_open(dir, TABLES, MAP_BYTES, true, &none, &why), ERR_MISSING);
	snprintf(sentence, sizeof(sentence), "cannot open store '%s': ", dir);
	assert_int_equal(strncmp(why.text, sentence, strlen(sentence)), 0);
	assert_null(none);
	/* Nothing is left behind. */
	assert_int_equal(stat(in_dir("lock.mdb"), &st), -1);
	assert_int_equal(kv_open("/nonexistent/x", TABLES, MAP_BYTES, false, &none, &why), -ENOENT);
}

static void test_reading_a_store_without_its_tables_is_refused(void **state)
{
	(void)state;
	static const char *const others[] = {"other", NULL};
	struct kv *none = NULL;
	assert_int_equal(kv_open(dir, others, MAP_BYTES, false, &kv, &why), 0);
	kv_close(kv);
	kv = NULL;
	assert_int_equal(kv_open(dir, TABLES, MAP_BYTES, true, &none, &why), ERR_MISSING);
}

static void test_garbage_is_refused(void **state)
{
	(void)state;
	FILE *file = fopen(in_dir("data.mdb"), "w");
	for (int i = 0; i < 10000; i++)
		fputs("garbage ", file);
	fclose(file);
	assert_int_equal(kv_open(dir, TABLES, MAP_BYTES, false, &kv, &why), ERR_STORE);
	assert_non_null(strstr(why.text, dir));
	kv = NULL;
}

static void test_cut_file_is_refused_and_does_not_kill(void **state)
{
	(void)state;
	struct kv_txn *txn;
	struct slice value;
	open_store(MAP_BYTES);
	fill(5000);
	kv_close(kv);
	kv = NULL;
	assert_int_equal(truncate(in_dir("data.mdb"), 16384), 0);
	int rc = kv_open(dir, TABLES, MAP_BYTES, false, &kv, &why);
	if (rc == 0) {
		assert_int_equal(kv_begin_read(kv, &txn), 0);
		rc = kv_get(txn, FIRST, slice_text("00004000"), &value);
		kv_abort(txn);
	} else {
		kv = NULL;
	}
	assert_int_equal(rc, ERR_STORE);
}

/* Runs `work` in a child that is killed by itself, without any ending. */
static void in_killed_child(void (*work)(void))
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		work();
		kill(getpid(), SIGKILL);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void commit_and_leave_a_write_open(void)
{
	struct kv_txn *txn;
	if (kv_open(dir, TABLES, MAP_BYTES, false, &kv, &why) != 0)
		_exit(1);
	put(FIRST, "committed", "1");
	if (kv_begin_write(kv, &txn) != 0 ||
	        kv_put(txn, FIRST, slice_text("open"), slice_text("2")) != 0)
		_exit(2);
}

static void test_killed_writer_leaves_what_it_committed(void **state)
{
	(void)state;
	in_killed_child(commit_and_leave_a_write_open);
	open_store(MAP_BYTES);
	assert_value(FIRST, "committed", "1");
	assert_value(FIRST, "open", NULL);
	put(FIRST, "next", "3");
}

static void open_readers(void)
{
	struct kv_txn *txn;
	if (kv_open(dir, TABLES, MAP_BYTES, true, &kv, &why) != 0)
		_exit(1);
	for (int i = 0; i < 250; i++) {
		if (kv_begin_read(kv, &txn) != 0)
			_exit(2);
	}
}

static void test_slots_of_killed_readers_are_used_again(void **state)
{
	(void)state;
	struct kv_txn *txn[100];
	open_store(MAP_BYTES);
	put(FIRST, "a", "1");
	kv_close(kv);
	kv = NULL;
	in_killed_child(open_readers);
	open_store(MAP_BYTES);
	for (int i = 0; i < 100; i++)
		assert_int_equal(kv_begin_read(kv, &txn[i]), 0);
	for (int i = 0; i < 100; i++)
		kv_abort(txn[i]);
}

static void test_read_only_store_sees_the_writer_beside_it(void **state)
{
	(void)state;
	int to_child[2], to_parent[2];
	char byte = 0;
	open_store(MAP_BYTES);
	put(FIRST, "a", "1");
	kv_close(kv);
	kv = NULL;
	assert_int_equal(pipe(to_child) | pipe(to_parent), 0);
	pid_t child = fork();
	if (child == 0) {
		open_store(MAP_BYTES);
		put(FIRST, "a", "2");
		if (write(to_parent[1], "x", 1) != 1 || read(to_child[0], &byte, 1) != 1)
			_exit(1);
		kv_close(kv);
		_exit(0);
	}
	assert_int_equal(read(to_parent[0], &byte, 1), 1);
	assert_int_equal(kv_open(dir, TABLES, MAP_BYTES, true, &kv, &why), 0);
	assert_value(FIRST, "a", "2");
	struct kv_txn *txn;
	assert_int_equal(kv_begin_write(kv, &txn), -EACCES);
	assert_int_equal(write(to_child[1], "x", 1), 1);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(to_child[0]);
	close(to_child[1]);
	close(to_parent[0]);
	close(to_parent[1]);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_full_map_is_enospc_and_loses_nothing),
	        CASE(test_released_pages_do_not_count_as_resident),
	        CASE(test_size_follows_what_is_stored),
	        CASE(test_reading_a_store_that_is_not_there_is_refused),
	        CASE(test_reading_a_store_without_its_tables_is_refused),
	        CASE(test_garbage_is_refused),
	        CASE(test_cut_file_is_refused_and_does_not_kill),
	        CASE(test_killed_writer_leaves_what_it_committed),
	        CASE(test_slots_of_killed_readers_are_used_again),
	        CASE(test_read_only_store_sees_the_writer_beside_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
