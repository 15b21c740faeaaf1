/*
 * The table `log`: key is the position (8); value, integers big endian:
 *
 *   1   version (1)
 *   1   flags of the frame
 *   4   host id
 *   16  stream id
 *   8   first_seq
 *   4   count
 *   4   skip
 *   8   received_ns
 *   8   min_time_ns
 *   8   max_time_ns
 *   …   payload of the frame
 */
#include "collector/store/eventlog.h"

#include "collector/store/hostkey.h"
#include "collector/store/picture.h"
#include "collector/store/streams.h"
#include "common/base/text.h"

#define RECORD_VERSION 1
#define RECORD_BYTES   62

/* --- ids ------------------------------------------------------------------------------- */

void event_id_text(struct event_id id, char out[EVENT_ID_TEXT])
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "%llu-%u", (unsigned long long)id.position, id.place);
	memcpy(out, buf_text(&text), text.len + 1);
	buf_fini(&text);
}

bool event_id_parse(struct slice text, struct event_id *out)
{
	struct slice position, place;
	struct event_id id;
	uint64_t number;

	if (!text_split(text, '-', &position, &place) ||
	        !text_parse_u64(position, UINT64_MAX, &id.position) ||
	        !text_parse_u64(place, UINT32_MAX, &number))
		return false;
	id.place = (uint32_t)number;
	*out = id;
	return true;
}

int event_id_compare(struct event_id a, struct event_id b)
{
	if (a.position != b.position)
		return a.position < b.position ? -1 : 1;
	return (a.place > b.place) - (a.place < b.place);
}

/* --- the log --------------------------------------------------------------------------- */

uint64_t eventlog_end(struct kv_txn *txn)
{
	struct slice key, value;
	struct kv_cursor *cursor;
	uint64_t position = 0;

	if (kv_cursor_open(txn, STORE_LOG, &cursor) < 0)
		return 0;
	if (kv_last(cursor, &key, &value) < 0 || !slice_take_u64(&key, &position))
		position = 0;
	kv_cursor_close(cursor);
	return position;
}

static void append_record(struct buf *out, const struct log_batch *batch)
{
	buf_reserve(out, RECORD_BYTES + batch->payload.len);
	buf_append_byte(out, RECORD_VERSION);
	buf_append_byte(out, batch->flags);
	buf_append_u32(out, batch->host);
	buf_append(out, batch->stream_id, WIRE_STREAM_ID_BYTES);
	buf_append_u64(out, batch->first_seq);
	buf_append_u32(out, batch->count);
	buf_append_u32(out, batch->skip);
	buf_append_u64(out, (uint64_t)batch->received_ns);
	buf_append_u64(out, (uint64_t)batch->min_time_ns);
	buf_append_u64(out, (uint64_t)batch->max_time_ns);
	buf_append_slice(out, batch->payload);
}

static int read_record(struct slice key, struct slice record, struct log_batch *out)
{
	struct slice stream_id;
	uint64_t received, min_time, max_time;
	uint8_t version;

	if (!slice_take_byte(&record, &version))
		return ERR_FORMAT;
	if (version > RECORD_VERSION)
		return ERR_VERSION;
	if (!slice_take_u64(&key, &out->position) || !slice_take_byte(&record, &out->flags) ||
	        !slice_take_u32(&record, &out->host) ||
	        !slice_take(&record, WIRE_STREAM_ID_BYTES, &stream_id) ||
	        !slice_take_u64(&record, &out->first_seq) ||
	        !slice_take_u32(&record, &out->count) || !slice_take_u32(&record, &out->skip) ||
	        !slice_take_u64(&record, &received) || !slice_take_u64(&record, &min_time) ||
	        !slice_take_u64(&record, &max_time))
		return ERR_FORMAT;
	memcpy(out->stream_id, stream_id.ptr, WIRE_STREAM_ID_BYTES);
	out->received_ns = (int64_t)received;
	out->min_time_ns = (int64_t)min_time;
	out->max_time_ns = (int64_t)max_time;
	out->payload = record;
	return 0;
}

static int put_batch(struct kv_txn *txn, const struct log_batch *batch)
{
	uint8_t key[STORE_HOST_ID_BYTES + 8];
	struct slice position = slice_of(key + STORE_HOST_ID_BYTES, 8);
	struct buf record = BUF_INIT;
	int rc;

	hostkey_put_u32(key, batch->host);
	hostkey_put_u64(key + STORE_HOST_ID_BYTES, batch->position);
	append_record(&record, batch);
	rc = kv_append(txn, STORE_LOG, position, buf_slice(&record));
	if (rc == 0)
		rc = kv_put(txn, STORE_LOG_BY_HOST, slice_of(key, sizeof(key)), slice_of(NULL, 0));
	buf_fini(&record);
	return rc;
}

int eventlog_append(struct kv_txn *txn, struct log_batch *batch)
{
	bool is_own = memcmp(batch->stream_id, streams_own, WIRE_STREAM_ID_BYTES) == 0;
	uint64_t stored_seq, last_seq = batch->first_seq + batch->count - 1;
	int rc = eventlog_last_seq(txn, batch->host, batch->stream_id, &stored_seq);

	if (rc < 0)
		return rc;
	if (batch->first_seq == 0 || batch->count == 0 || last_seq < batch->first_seq ||
	        batch->first_seq > stored_seq + 1)
		return ERR_PROTOCOL;
	if (last_seq <= stored_seq)
		return 1;
	batch->skip = (uint32_t)(stored_seq + 1 - batch->first_seq);
	batch->position = eventlog_end(txn) + 1;
	rc = put_batch(txn, batch);
	if (rc == 0)
		rc = streams_put_last_seq(txn, batch, last_seq);
	if (rc == 0 && stored_seq == 0 && !is_own)
		rc = streams_put_current(txn, batch);
	return rc;
}

int eventlog_get(struct kv_txn *txn, uint64_t position, struct log_batch *out)
{
	uint8_t bytes[8];
	struct slice key = slice_of(bytes, sizeof(bytes)), record;
	int rc;

	hostkey_put_u64(bytes, position);
	rc = kv_get(txn, STORE_LOG, key, &record);
	return rc < 0 ? rc : read_record(key, record, out);
}

static int next_of_any(struct kv_txn *txn, uint64_t position, struct log_batch *out)
{
	uint8_t from[8];
	struct slice key, record;
	struct kv_cursor *cursor;
	int rc = kv_cursor_open(txn, STORE_LOG, &cursor);

	if (rc < 0)
		return rc;
	hostkey_put_u64(from, position);
	rc = kv_seek(cursor, slice_of(from, sizeof(from)), &key, &record);
	if (rc == 0)
		rc = read_record(key, record, out);
	kv_cursor_close(cursor);
	return rc;
}

static int next_of_host(struct kv_txn *txn, uint64_t position, uint32_t host, struct log_batch *out)
{
	uint8_t from[STORE_HOST_ID_BYTES + 8];
	struct slice key, value;
	struct kv_cursor *cursor;
	int rc = kv_cursor_open(txn, STORE_LOG_BY_HOST, &cursor);

	if (rc < 0)
		return rc;
	hostkey_put_u32(from, host);
	hostkey_put_u64(from + STORE_HOST_ID_BYTES, position);
	rc = kv_seek(cursor, slice_of(from, sizeof(from)), &key, &value);
	if (rc == 0 && !slice_starts_with(key, slice_of(from, STORE_HOST_ID_BYTES)))
		rc = ERR_MISSING;
	if (rc == 0) {
		key = hostkey_rest(key);
		rc = slice_take_u64(&key, &position) ? eventlog_get(txn, position, out)
		                                     : ERR_FORMAT;
	}
	kv_cursor_close(cursor);
	return rc;
}

int eventlog_next(struct kv_txn *txn, uint64_t position, uint32_t host, struct log_batch *out)
{
	if (host == UINT32_MAX)
		return next_of_any(txn, position, out);
	return next_of_host(txn, position, host, out);
}

/* --- opening and own events ------------------------------------------------------------ */

int eventlog_open(const struct log_batch *batch, struct buf *scratch, struct arena *arena,
        struct event **out, size_t *out_count, struct reason *out_why)
{
	struct frame frame = {FRAME_BATCH, batch->flags, batch->payload};
	struct message message;
	struct slice plain;
	struct event *events;
	size_t count;
	int rc = frame_open(&frame, scratch, &plain, out_why);

	if (rc == 0)
		rc = wire_decode(FRAME_BATCH, plain, arena, &message, out_why);
	if (rc != 0)
		return rc;
	if (batch->skip > message.batch.count)
		return fail(out_why, ERR_FORMAT, "stored batch %llu is shorter than it says",
		        (unsigned long long)batch->position);
	count = message.batch.count - batch->skip;
	events = arena_alloc(arena, (count ? count : 1) * sizeof(*events));
	if (!events)
		return fail(out_why, ERR_LIMIT, "stored batch %llu is too large to be opened",
		        (unsigned long long)batch->position);
	for (size_t i = 0; i < count; i++) {
		rc = wire_event_decode(
		        message.batch.events[batch->skip + i], arena, &events[i], out_why);
		if (rc < 0)
			return rc;
		events[i].seq = batch->first_seq + batch->skip + i;
	}
	*out = events;
	*out_count = count;
	return 0;
}

static int encode_note(const struct event *event, struct buf *out)
{
	struct buf bytes = BUF_INIT;
	struct message message = {.kind = FRAME_BATCH};
	struct slice encoded;
	int rc = wire_event_encode(event, &bytes);

	if (rc == 0) {
		encoded = buf_slice(&bytes);
		message.batch = (struct batch){
		        .first_seq = event->seq, .count = 1, .events = &encoded};
		rc = wire_encode(&message, out);
	}
	buf_fini(&bytes);
	return rc;
}

int eventlog_note(struct kv_txn *txn, uint32_t host, struct event *event)
{
	struct log_batch batch = {
	        .host = host,
	        .count = 1,
	        .received_ns = event->time_ns,
	        .min_time_ns = event->time_ns,
	        .max_time_ns = event->time_ns,
	};
	struct buf payload = BUF_INIT;
	uint64_t last_seq;
	int rc = eventlog_last_seq(txn, host, streams_own, &last_seq);

	if (rc < 0)
		return rc;
	event->seq = batch.first_seq = last_seq + 1;
	rc = encode_note(event, &payload);
	batch.payload = buf_slice(&payload);
	if (rc == 0)
		rc = eventlog_append(txn, &batch);
	if (rc == 0)
		rc = picture_apply(txn, host, event);
	buf_fini(&payload);
	return rc;
}
