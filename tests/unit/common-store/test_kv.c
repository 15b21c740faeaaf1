#include "tests/unit/common-store/kv_scene.h"

static void reopen_store(void)
{
	kv_close(kv);
	open_store(MAP_BYTES);
}

static void test_committed_records_are_there_after_reopen(void **state)
{
	(void)state;
	open_store(MAP_BYTES);
	put(FIRST, "a", "1");
	put(SECOND, "a", "2");
	put(SECOND, "empty", "");
	reopen_store();
	assert_value(FIRST, "a", "1");
	assert_value(SECOND, "a", "2");
	assert_value(SECOND, "empty", "");
	assert_value(FIRST, "empty", NULL);
}

static void test_aborted_records_are_gone(void **state)
{
	(void)state;
	struct kv_txn *txn;
	open_store(MAP_BYTES);
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	assert_int_equal(kv_put(txn, FIRST, slice_text("a"), slice_text("1")), 0);
	kv_abort(txn);
	assert_value(FIRST, "a", NULL);
	kv_abort(NULL);
}

static void test_nested_step_can_be_taken_back_alone(void **state)
{
	(void)state;
	struct kv_txn *txn, *step;
	open_store(MAP_BYTES);
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	assert_int_equal(kv_put(txn, FIRST, slice_text("a"), slice_text("1")), 0);
	assert_int_equal(kv_begin_nested(txn, &step), 0);
	assert_int_equal(kv_put(step, FIRST, slice_text("b"), slice_text("2")), 0);
	kv_abort(step);
	assert_int_equal(kv_begin_nested(txn, &step), 0);
	assert_int_equal(kv_put(step, FIRST, slice_text("c"), slice_text("3")), 0);
	assert_int_equal(kv_commit(step), 0);
	assert_int_equal(kv_count(txn, FIRST), 2);
	assert_int_equal(kv_commit(txn), 0);
	assert_value(FIRST, "a", "1");
	assert_value(FIRST, "b", NULL);
	assert_value(FIRST, "c", "3");
}

static void test_reader_keeps_its_moment(void **state)
{
	(void)state;
	struct kv_txn *txn, *other;
	struct slice value;
	open_store(MAP_BYTES);
	put(FIRST, "a", "old");
	assert_int_equal(kv_begin_read(kv, &txn), 0);
	put(FIRST, "a", "new");
	/* Two readers on one thread. */
	assert_int_equal(kv_begin_read(kv, &other), 0);
	assert_int_equal(kv_get(txn, FIRST, slice_text("a"), &value), 0);
	assert_true(slice_is(value, "old"));
	assert_int_equal(kv_get(other, FIRST, slice_text("a"), &value), 0);
	assert_true(slice_is(value, "new"));
	kv_abort(txn);
	kv_abort(other);
}

static void test_append_refuses_keys_out_of_order(void **state)
{
	(void)state;
	struct kv_txn *txn;
	open_store(MAP_BYTES);
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	assert_int_equal(kv_append(txn, FIRST, slice_text("b"), slice_text("1")), 0);
	assert_int_equal(kv_append(txn, FIRST, slice_text("b"), slice_text("2")), -EEXIST);
	assert_int_equal(kv_append(txn, FIRST, slice_text("a"), slice_text("2")), -EEXIST);
	assert_int_equal(kv_append(txn, FIRST, slice_text("c"), slice_text("2")), 0);
	assert_int_equal(kv_commit(txn), 0);
	assert_value(FIRST, "b", "1");
	assert_value(FIRST, "c", "2");
}

static void test_delete_tells_what_was_not_there(void **state)
{
	(void)state;
	struct kv_txn *txn;
	open_store(MAP_BYTES);
	put(FIRST, "a", "1");
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	assert_int_equal(kv_delete(txn, FIRST, slice_text("a")), 0);
	assert_int_equal(kv_delete(txn, FIRST, slice_text("a")), ERR_MISSING);
	assert_int_equal(kv_commit(txn), 0);
	assert_value(FIRST, "a", NULL);
}

static void test_keys_beyond_the_limit_are_refused(void **state)
{
	(void)state;
	struct kv_txn *txn;
	uint8_t key[KV_KEY_MAX + 1] = {1};
	open_store(MAP_BYTES);
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	assert_int_equal(kv_put(txn, FIRST, slice_of(key, KV_KEY_MAX), slice_text("1")), 0);
	assert_int_equal(
	        kv_put(txn, FIRST, slice_of(key, KV_KEY_MAX + 1), slice_text("1")), ERR_LIMIT);
	assert_int_equal(kv_put(txn, FIRST, slice_of(key, 0), slice_text("1")), ERR_LIMIT);
	kv_abort(txn);
}

static void test_cursor_walks_in_key_order_both_ways(void **state)
{
	(void)state;
	struct kv_txn *txn;
	struct kv_cursor *cursor;
	struct slice key, value;
	open_store(MAP_BYTES);
	put(FIRST, "b", "2");
	put(FIRST, "d", "4");
	put(FIRST, "a", "1");
	assert_int_equal(kv_begin_read(kv, &txn), 0);
	assert_int_equal(kv_cursor_open(txn, FIRST, &cursor), 0);
	assert_int_equal(kv_seek(cursor, slice_text("b"), &key, &value), 0);
	assert_true(slice_is(key, "b"));
	assert_int_equal(kv_seek(cursor, slice_text("c"), &key, &value), 0);
	assert_true(slice_is(key, "d") && slice_is(value, "4"));
	assert_int_equal(kv_next(cursor, &key, &value), ERR_MISSING);
	assert_int_equal(kv_seek(cursor, slice_text("e"), &key, &value), ERR_MISSING);
	assert_int_equal(kv_last(cursor, &key, &value), 0);
	assert_int_equal(kv_prev(cursor, &key, &value), 0);
	assert_true(slice_is(key, "b"));
	assert_int_equal(kv_prev(cursor, &key, &value), 0);
	assert_int_equal(kv_prev(cursor, &key, &value), ERR_MISSING);
	assert_int_equal(kv_seek(cursor, slice_of(NULL, 0), &key, &value), 0);
	assert_true(slice_is(key, "a"));
	assert_int_equal(kv_first(cursor, &key, &value), 0);
	assert_true(slice_is(key, "a") && slice_is(value, "1"));
	kv_cursor_close(cursor);
	assert_int_equal(kv_cursor_open(txn, SECOND, &cursor), 0);
	assert_int_equal(kv_first(cursor, &key, &value), ERR_MISSING);
	kv_cursor_close(cursor);
	kv_abort(txn);
}

static void test_deleting_while_walking_skips_nothing(void **state)
{
	(void)state;
	struct kv_txn *txn;
	struct kv_cursor *cursor;
	struct slice key, value;
	unsigned seen = 0;
	open_store(MAP_BYTES);
	fill(5000);
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	assert_int_equal(kv_cursor_open(txn, FIRST, &cursor), 0);
	int rc = kv_first(cursor, &key, &value);
	for (; rc == 0; rc = kv_next(cursor, &key, &value)) {
		char expected[16];
		snprintf(expected, sizeof(expected), "%08u", seen);
		assert_true(slice_is(key, expected));
		/* Runs of kept and deleted records, longer and shorter than a page. */
		if (seen / 37 % 3 != 0)
			assert_int_equal(kv_delete_here(cursor), 0);
		seen++;
	}
	assert_int_equal(rc, ERR_MISSING);
	assert_int_equal(seen, 5000);
	kv_cursor_close(cursor);
	uint64_t left = kv_count(txn, FIRST);
	assert_int_equal(kv_commit(txn), 0);
	unsigned expected = 0;
	for (unsigned i = 0; i < 5000; i++)
		expected += i / 37 % 3 == 0;
	assert_int_equal(left, expected);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_committed_records_are_there_after_reopen),
	        CASE(test_aborted_records_are_gone),
	        CASE(test_nested_step_can_be_taken_back_alone),
	        CASE(test_reader_keeps_its_moment),
	        CASE(test_append_refuses_keys_out_of_order),
	        CASE(test_delete_tells_what_was_not_there),
	        CASE(test_keys_beyond_the_limit_are_refused),
	        CASE(test_cursor_walks_in_key_order_both_ways),
	        CASE(test_deleting_while_walking_skips_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
