#include "fixture.h"

#include <errno.h>

static struct arena *arena;

static void append_count(unsigned count)
{
	struct filestate after = file_with(1);
	struct event event = event_about("/a/file", &after);
	struct state_txn *txn = begin_txn();
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(spool_append(txn, &event, NULL), 0);
	commit(txn);
}

static void trim(uint64_t seq)
{
	struct state_txn *txn = begin_txn();
	assert_int_equal(spool_trim(txn, seq), 0);
	commit(txn);
}

static size_t read_count(uint64_t from, size_t most_events, size_t most_bytes)
{
	struct batch batch;
	assert_int_equal(spool_read(state, from, most_events, most_bytes, arena, &batch), 0);
	assert_int_equal(batch.first_seq, from);
	return batch.count;
}

static void test_events_come_back_as_they_went_in(void **unused)
{
	(void)unused;
	append_count(2);
	struct batch batch;
	struct event event;
	assert_int_equal(spool_read(state, 1, 10, 1u << 20, arena, &batch), 0);
	assert_int_equal(batch.count, 2);
	assert_int_equal(wire_event_decode(batch.events[1], arena, &event, &why), 0);
	assert_true(slice_is(event.path, "/a/file"));
	assert_int_equal(event.after->mtime_ns, -5);
}

static void test_a_batch_keeps_its_limits_but_has_one_event(void **unused)
{
	(void)unused;
	append_count(10);
	assert_int_equal(read_count(1, 3, 1u << 20), 3);
	assert_int_equal(read_count(1, 10, 1), 1);
	assert_int_equal(read_count(9, 10, 1u << 20), 2);
	assert_int_equal(read_count(11, 10, 1u << 20), 0);
	assert_int_equal(read_count(500, 10, 1u << 20), 0);
}

static void test_trimmed_events_are_missing(void **unused)
{
	(void)unused;
	append_count(10);
	trim(4);
	trim(4);
	trim(2);
	struct batch batch;
	assert_int_equal(spool_read(state, 4, 10, 1u << 20, arena, &batch), ERR_MISSING);
	assert_int_equal(read_count(5, 10, 1u << 20), 6);
	trim(1000);
	assert_int_equal(spool_read(state, 5, 10, 1u << 20, arena, &batch), ERR_MISSING);
	assert_int_equal(read_count(11, 10, 1u << 20), 0);
	assert_int_equal(state_position(state).spool_bytes, 0);
}

static void test_a_hundred_thousand_are_trimmed_at_once(void **unused)
{
	(void)unused;
	append_count(100000);
	trim(99999);
	assert_int_equal(state_position(state).first_seq, 100000);
	assert_int_equal(read_count(100000, 10, 1u << 20), 1);
	reopen_state();
	assert_false(state_was_rebuilt(state));
}

static void test_an_oversized_event_is_refused_alone(void **unused)
{
	(void)unused;
	static uint8_t detail[WIRE_EVENT_BYTES_MAX + 1];
	struct event event = {.time_ns = 1,
	        .kind = EVENT_AGENT,
	        .action = ACTION_STARTED,
	        .cause = CAUSE_LIVE,
	        .detail = slice_of(detail, sizeof(detail))};
	struct state_txn *txn = begin_txn();
	assert_int_equal(spool_append(txn, &event, NULL), ERR_LIMIT);
	commit(txn);
	append_count(1);
	assert_int_equal(read_count(1, 10, 1u << 20), 1);
}

static void test_a_full_store_keeps_nothing_of_the_transaction(void **unused)
{
	(void)unused;
	close_state();
	struct state_limits limits = {.spool_bytes = 1u << 30, .map_bytes = 1u << 20};
	assert_int_equal(state_open(dir, &limits, &state, &why), 0);
	struct filestate after = file_with(1);
	struct event event = event_about("/a/file", &after);
	uint64_t committed = 0;
	int rc = 0;
	while (rc == 0) {
		struct state_txn *txn = begin_txn();
		for (int i = 0; rc == 0 && i < 100; i++)
			rc = spool_append(txn, &event, NULL);
		if (rc < 0) {
			state_abort(txn);
			break;
		}
		rc = state_commit(txn, &why);
		committed += rc == 0 ? 100 : 0;
	}
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(state_position(state).next_seq, committed + 1);
	/* Trimming has to be possible when nothing else is. */
	trim(committed);
	struct state_txn *txn = begin_txn();
	assert_int_equal(spool_append(txn, &event, NULL), 0);
	commit(txn);
}

static int begin_with_arena(void **unused)
{
	arena = arena_new(8u << 20);
	return begin_test(unused);
}

static int end_with_arena(void **unused)
{
	arena_free(arena);
	return end_test(unused);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_with_arena, end_with_arena)
	const struct CMUnitTest tests[] = {
	        TEST(test_events_come_back_as_they_went_in),
	        TEST(test_a_batch_keeps_its_limits_but_has_one_event),
	        TEST(test_trimmed_events_are_missing),
	        TEST(test_a_hundred_thousand_are_trimmed_at_once),
	        TEST(test_an_oversized_event_is_refused_alone),
	        TEST(test_a_full_store_keeps_nothing_of_the_transaction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
