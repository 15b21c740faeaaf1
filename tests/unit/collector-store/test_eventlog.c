#include "fixture.h"

#include "collector/store/eventlog.h"
#include "collector/store/picture.h"

static const uint8_t stream_a[WIRE_STREAM_ID_BYTES] = "stream a.......";
static const uint8_t stream_b[WIRE_STREAM_ID_BYTES] = "stream b.......";

/* The payload of a batch of gap events with the details "event <seq>". */
static void make_payload(uint64_t first_seq, uint32_t count, struct buf *out)
{
	struct message message = {.kind = FRAME_BATCH};
	struct buf text = BUF_INIT, all = BUF_INIT;
	struct slice slices[16];
	size_t ends[16];

	assert_true(count <= 16);
	for (uint32_t i = 0; i < count; i++) {
		struct event event = {.time_ns = 1000 + i,
		        .kind = EVENT_AGENT,
		        .action = ACTION_GAP,
		        .cause = CAUSE_LIVE};
		buf_reset(&text);
		buf_printf(&text, "event %llu", (unsigned long long)(first_seq + i));
		event.detail = buf_slice(&text);
		assert_int_equal(wire_event_encode(&event, &all), 0);
		ends[i] = all.len;
	}
	for (uint32_t i = 0; i < count; i++) {
		size_t start = i ? ends[i - 1] : 0;
		slices[i] = slice_of(all.data + start, ends[i] - start);
	}
	message.batch = (struct batch){.first_seq = first_seq, .count = count, .events = slices};
	assert_int_equal(wire_encode(&message, out), 0);
	buf_fini(&text);
	buf_fini(&all);
}

static int append(struct kv_txn *txn, uint32_t host, const uint8_t *stream, uint64_t first_seq,
        uint32_t count, struct log_batch *out)
{
	struct log_batch batch = {.host = host, .first_seq = first_seq, .count = count};
	struct buf payload = BUF_INIT;
	int rc;

	memcpy(batch.stream_id, stream, WIRE_STREAM_ID_BYTES);
	batch.received_ns = 5;
	batch.min_time_ns = -3;
	batch.max_time_ns = 1000;
	if (first_seq > 0 && count > 0)
		make_payload(first_seq, count, &payload);
	batch.payload = buf_slice(&payload);
	rc = eventlog_append(txn, &batch);
	if (out)
		*out = batch;
	buf_fini(&payload);
	return rc;
}

static uint64_t last_seq(struct kv_txn *txn, uint32_t host, const uint8_t *stream)
{
	uint64_t seq = 999;

	assert_int_equal(eventlog_last_seq(txn, host, stream, &seq), 0);
	return seq;
}

static void test_batch_comes_back_as_it_was_stored(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct log_batch stored, read;
	struct buf payload = BUF_INIT;

	assert_int_equal(append(txn, 7, stream_a, 1, 3, &stored), 0);
	assert_int_equal(stored.position, 1);
	assert_int_equal(eventlog_get(txn, 1, &read), 0);
	make_payload(1, 3, &payload);
	assert_int_equal(read.host, 7);
	assert_memory_equal(read.stream_id, stream_a, WIRE_STREAM_ID_BYTES);
	assert_int_equal(read.first_seq, 1);
	assert_int_equal(read.count, 3);
	assert_int_equal(read.skip, 0);
	assert_int_equal(read.received_ns, 5);
	assert_int_equal(read.min_time_ns, -3);
	assert_int_equal(read.max_time_ns, 1000);
	assert_true(slice_equal(read.payload, buf_slice(&payload)));
	assert_int_equal(eventlog_get(txn, 2, &read), ERR_MISSING);
	buf_fini(&payload);
}

static void test_batch_that_arrives_twice_is_stored_once(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;

	assert_int_equal(append(txn, 0, stream_a, 1, 3, NULL), 0);
	assert_int_equal(append(txn, 0, stream_a, 1, 3, NULL), 1);
	assert_int_equal(append(txn, 0, stream_a, 2, 1, NULL), 1);
	assert_int_equal(eventlog_end(txn), 1);
	assert_int_equal(last_seq(txn, 0, stream_a), 3);
}

static void test_stored_prefix_is_skipped(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct arena *arena = arena_new(1u << 20);
	struct buf scratch = BUF_INIT;
	struct log_batch batch;
	struct event *events;
	struct reason why;
	size_t count;

	assert_int_equal(append(txn, 0, stream_a, 1, 3, NULL), 0);
	assert_int_equal(append(txn, 0, stream_a, 2, 4, &batch), 0);
	assert_int_equal(batch.skip, 2);
	assert_int_equal(last_seq(txn, 0, stream_a), 5);
	assert_int_equal(eventlog_get(txn, 2, &batch), 0);
	assert_int_equal(eventlog_open(&batch, &scratch, arena, &events, &count, &why), 0);
	assert_int_equal(count, 2);
	assert_int_equal(events[0].seq, 4);
	assert_true(slice_is(events[0].detail, "event 4"));
	assert_int_equal(events[1].seq, 5);
	assert_true(slice_is(events[1].detail, "event 5"));
	arena_free(arena);
	buf_fini(&scratch);
}

static void test_hole_is_refused_and_nothing_is_written(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;

	assert_int_equal(append(txn, 0, stream_a, 2, 1, NULL), ERR_PROTOCOL);
	assert_int_equal(append(txn, 0, stream_a, 1, 2, NULL), 0);
	assert_int_equal(append(txn, 0, stream_a, 4, 1, NULL), ERR_PROTOCOL);
	assert_int_equal(last_seq(txn, 0, stream_a), 2);
	assert_int_equal(eventlog_end(txn), 1);
}

static void test_numbers_that_overflow_are_refused(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct log_batch batch = {.first_seq = UINT64_MAX, .count = 3};

	assert_int_equal(append(txn, 0, stream_a, 1, 2, NULL), 0);
	memcpy(batch.stream_id, stream_a, WIRE_STREAM_ID_BYTES);
	assert_int_equal(eventlog_append(txn, &batch), ERR_PROTOCOL);
	assert_int_equal(append(txn, 0, stream_a, 0, 2, NULL), ERR_PROTOCOL);
	assert_int_equal(append(txn, 0, stream_a, 3, 0, NULL), ERR_PROTOCOL);
}

static void test_streams_of_a_host_are_counted_and_the_last_is_current(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	uint8_t current[WIRE_STREAM_ID_BYTES];
	unsigned count = 99;

	assert_int_equal(eventlog_current_stream(txn, 3, current), ERR_MISSING);
	assert_int_equal(eventlog_stream_count(txn, 3, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(append(txn, 3, stream_a, 1, 2, NULL), 0);
	assert_int_equal(append(txn, 3, stream_b, 1, 1, NULL), 0);
	assert_int_equal(append(txn, 4, stream_a, 1, 1, NULL), 0);
	assert_int_equal(append(txn, 3, stream_a, 3, 1, NULL), 0);
	assert_int_equal(eventlog_current_stream(txn, 3, current), 0);
	assert_memory_equal(current, stream_b, WIRE_STREAM_ID_BYTES);
	assert_int_equal(eventlog_stream_count(txn, 3, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(last_seq(txn, 3, stream_a), 3);
	assert_int_equal(last_seq(txn, 4, stream_a), 1);
}

static void test_next_finds_batches_of_one_host_and_of_all(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct log_batch batch;

	assert_int_equal(append(txn, 0, stream_a, 1, 1, NULL), 0);
	assert_int_equal(append(txn, 1, stream_a, 1, 1, NULL), 0);
	assert_int_equal(append(txn, 0, stream_a, 2, 1, NULL), 0);
	assert_int_equal(eventlog_next(txn, 0, UINT32_MAX, &batch), 0);
	assert_int_equal(batch.position, 1);
	assert_int_equal(eventlog_next(txn, 2, 0, &batch), 0);
	assert_int_equal(batch.position, 3);
	assert_int_equal(eventlog_next(txn, 0, 1, &batch), 0);
	assert_int_equal(batch.position, 2);
	assert_int_equal(eventlog_next(txn, 3, 1, &batch), ERR_MISSING);
	assert_int_equal(eventlog_next(txn, 4, UINT32_MAX, &batch), ERR_MISSING);
	assert_int_equal(eventlog_next(txn, 0, 9, &batch), ERR_MISSING);
}

static void test_notes_stand_in_a_stream_of_their_own(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct event note = {.time_ns = 12,
	        .kind = EVENT_AGENT,
	        .action = ACTION_GAP,
	        .cause = CAUSE_LIVE,
	        .detail = slice_text("a new stream began")};
	struct arena *arena = arena_new(1u << 20);
	struct buf scratch = BUF_INIT;
	struct log_batch batch;
	struct event *events;
	struct reason why;
	unsigned streams;
	size_t count;

	assert_int_equal(append(txn, 2, stream_a, 1, 1, NULL), 0);
	assert_int_equal(eventlog_note(txn, 2, &note), 0);
	assert_int_equal(note.seq, 1);
	assert_int_equal(eventlog_note(txn, 2, &note), 0);
	assert_int_equal(note.seq, 2);
	assert_int_equal(eventlog_stream_count(txn, 2, &streams), 0);
	assert_int_equal(streams, 1);
	assert_int_equal(eventlog_next(txn, 3, 2, &batch), 0);
	assert_int_equal(eventlog_open(&batch, &scratch, arena, &events, &count, &why), 0);
	assert_int_equal(count, 1);
	assert_int_equal(events[0].seq, 2);
	assert_true(slice_is(events[0].detail, "a new stream began"));
	arena_free(arena);
	buf_fini(&scratch);
}

static void test_ids_are_written_and_read_back(void **state)
{
	struct event_id id = {18446744073709551615u, 4294967295u}, read;
	char text[EVENT_ID_TEXT];

	(void)state;
	event_id_text(id, text);
	assert_string_equal(text, "18446744073709551615-4294967295");
	assert_true(event_id_parse(slice_text(text), &read));
	assert_int_equal(event_id_compare(id, read), 0);
	assert_false(event_id_parse(slice_text("12"), &read));
	assert_false(event_id_parse(slice_text("12-"), &read));
	assert_false(event_id_parse(slice_text("1-4294967296"), &read));
	assert_false(event_id_parse(slice_text("1-2-3"), &read));
	assert_true(event_id_compare((struct event_id){1, 9}, (struct event_id){2, 0}) < 0);
	assert_true(event_id_compare((struct event_id){2, 1}, (struct event_id){2, 0}) > 0);
}

static void test_broken_record_is_refused_when_opened(void **state)
{
	struct arena *arena = arena_new(1u << 20);
	struct buf scratch = BUF_INIT;
	struct log_batch batch = {.count = 1, .payload = slice_text("\x12\x7f")};
	struct event *events;
	struct reason why;
	size_t count;

	(void)state;
	assert_int_equal(eventlog_open(&batch, &scratch, arena, &events, &count, &why), ERR_FORMAT);
	arena_free(arena);
	buf_fini(&scratch);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_STORE(test_batch_comes_back_as_it_was_stored),
	        WITH_STORE(test_batch_that_arrives_twice_is_stored_once),
	        WITH_STORE(test_stored_prefix_is_skipped),
	        WITH_STORE(test_hole_is_refused_and_nothing_is_written),
	        WITH_STORE(test_numbers_that_overflow_are_refused),
	        WITH_STORE(test_streams_of_a_host_are_counted_and_the_last_is_current),
	        WITH_STORE(test_next_finds_batches_of_one_host_and_of_all),
	        WITH_STORE(test_notes_stand_in_a_stream_of_their_own),
	        cmocka_unit_test(test_ids_are_written_and_read_back),
	        cmocka_unit_test(test_broken_record_is_refused_when_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
