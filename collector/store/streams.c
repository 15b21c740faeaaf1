/*
 * The table `streams`: key is host id (4, big endian) and stream id (16), value the last stored seq
 * (8, big endian); and, before a host's streams, key host id (4) alone, value the id of the current
 * stream (16).
 */
#include "collector/store/streams.h"

#include "collector/store/hostkey.h"

const uint8_t streams_own[WIRE_STREAM_ID_BYTES];

#define STREAM_KEY_BYTES (STORE_HOST_ID_BYTES + WIRE_STREAM_ID_BYTES)

static struct slice stream_key(
        uint32_t host, const uint8_t stream_id[WIRE_STREAM_ID_BYTES], uint8_t out[STREAM_KEY_BYTES])
{
	hostkey_put_u32(out, host);
	memcpy(out + STORE_HOST_ID_BYTES, stream_id, WIRE_STREAM_ID_BYTES);
	return slice_of(out, STREAM_KEY_BYTES);
}

int eventlog_last_seq(struct kv_txn *txn, uint32_t host,
        const uint8_t stream_id[WIRE_STREAM_ID_BYTES], uint64_t *out)
{
	uint8_t key[STREAM_KEY_BYTES];
	struct slice value;
	int rc = kv_get(txn, STORE_STREAMS, stream_key(host, stream_id, key), &value);

	if (rc == ERR_MISSING) {
		*out = 0;
		return 0;
	}
	if (rc < 0)
		return rc;
	return slice_take_u64(&value, out) ? 0 : ERR_FORMAT;
}

int eventlog_current_stream(
        struct kv_txn *txn, uint32_t host, uint8_t out_stream_id[WIRE_STREAM_ID_BYTES])
{
	uint8_t key[STORE_HOST_ID_BYTES];
	struct slice value;
	int rc;

	hostkey_put_u32(key, host);
	rc = kv_get(txn, STORE_STREAMS, slice_of(key, sizeof(key)), &value);
	if (rc < 0)
		return rc;
	if (value.len != WIRE_STREAM_ID_BYTES)
		return ERR_FORMAT;
	memcpy(out_stream_id, value.ptr, WIRE_STREAM_ID_BYTES);
	return 0;
}

int eventlog_stream_count(struct kv_txn *txn, uint32_t host, unsigned *out)
{
	uint8_t prefix[STORE_HOST_ID_BYTES];
	struct slice key, value, from = slice_of(prefix, sizeof(prefix));
	struct kv_cursor *cursor;
	unsigned count = 0;
	int rc = kv_cursor_open(txn, STORE_STREAMS, &cursor);

	if (rc < 0)
		return rc;
	hostkey_put_u32(prefix, host);
	rc = kv_seek(cursor, from, &key, &value);
	while (rc == 0 && slice_starts_with(key, from)) {
		if (key.len == STREAM_KEY_BYTES && memcmp(key.ptr + STORE_HOST_ID_BYTES,
		                                           streams_own, WIRE_STREAM_ID_BYTES) != 0)
			count++;
		rc = kv_next(cursor, &key, &value);
	}
	kv_cursor_close(cursor);
	if (rc < 0 && rc != ERR_MISSING)
		return rc;
	*out = count;
	return 0;
}

int streams_put_last_seq(struct kv_txn *txn, const struct log_batch *batch, uint64_t last_seq)
{
	uint8_t key[STREAM_KEY_BYTES], value[8];

	hostkey_put_u64(value, last_seq);
	return kv_put(txn, STORE_STREAMS, stream_key(batch->host, batch->stream_id, key),
	        slice_of(value, sizeof(value)));
}

int streams_put_current(struct kv_txn *txn, const struct log_batch *batch)
{
	uint8_t key[STORE_HOST_ID_BYTES];

	hostkey_put_u32(key, batch->host);
	return kv_put(txn, STORE_STREAMS, slice_of(key, sizeof(key)),
	        slice_of(batch->stream_id, WIRE_STREAM_ID_BYTES));
}
