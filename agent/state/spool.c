#include "agent/state/spool.h"

#include <errno.h>

#include "agent/state/state_private.h"

#define KEY_BYTES 8

static struct slice seq_key(uint64_t seq, uint8_t key[KEY_BYTES])
{
	for (int i = KEY_BYTES - 1; i >= 0; i--, seq >>= 8)
		key[i] = (uint8_t)seq;
	return slice_of(key, KEY_BYTES);
}

static bool is_seq_key(struct slice key, uint64_t seq)
{
	uint8_t wanted[KEY_BYTES];
	return slice_equal(key, seq_key(seq, wanted));
}

int spool_append(struct state_txn *txn, const struct event *event, uint64_t *out_seq)
{
	uint8_t key[KEY_BYTES];
	uint64_t seq = txn->position.next_seq;
	buf_reset(&txn->value);
	int rc = wire_event_encode(event, &txn->value);
	if (rc < 0)
		return rc;
	if (txn->value.len > WIRE_EVENT_BYTES_MAX)
		return ERR_LIMIT;
	rc = kv_append(txn->kv, STATE_SPOOL, seq_key(seq, key), buf_slice(&txn->value));
	if (rc < 0)
		return rc == -EEXIST ? ERR_STORE : rc;
	txn->position.next_seq++;
	txn->position.spool_bytes += KEY_BYTES + txn->value.len;
	txn->moved = true;
	if (out_seq != NULL)
		*out_seq = seq;
	return 0;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Copies from where the cursor stands; the first event is taken whatever its size. */
static int copy_events(struct kv_cursor *cursor, uint64_t from_seq, size_t room, size_t most_bytes,
        struct arena *arena, struct batch *batch)
{
	uint8_t from[KEY_BYTES];
	struct slice key, value;
	size_t bytes = 0;
	int rc = kv_seek(cursor, seq_key(from_seq, from), &key, &value);
	for (; rc == 0 && batch->count < room; rc = kv_next(cursor, &key, &value)) {
		if (!is_seq_key(key, from_seq + batch->count))
			return ERR_FORMAT;
		bytes += value.len;
		if (batch->count > 0 && bytes > most_bytes)
			return 0;
		struct slice copy = arena_copy(arena, value);
		if (copy.ptr == NULL)
			return batch->count > 0 ? 0 : ERR_LIMIT;
		batch->events[batch->count++] = copy;
	}
	/* The position says that there are as many as there is room for. */
	return rc == ERR_MISSING && batch->count < room ? ERR_FORMAT : rc == ERR_MISSING ? 0 : rc;
}

static int read_from(struct kv_txn *txn, uint64_t from_seq, size_t most_events, size_t most_bytes,
        struct arena *arena, struct batch *batch)
{
	struct state_position position;
	struct kv_cursor *cursor;
	int rc = state_read_position(txn, &position);
	if (rc < 0)
		return rc;
	if (from_seq < position.first_seq)
		return ERR_MISSING;
	if (from_seq >= position.next_seq)
		return 0;
	size_t room = most_events < WIRE_BATCH_EVENTS_MAX ? most_events : WIRE_BATCH_EVENTS_MAX;
	if (room > position.next_seq - from_seq)
		room = (size_t)(position.next_seq - from_seq);
	batch->events = arena_alloc(arena, room * sizeof(*batch->events));
	if (batch->events == NULL)
		return ERR_LIMIT;
	rc = kv_cursor_open(txn, STATE_SPOOL, &cursor);
	if (rc < 0)
		return rc;
	rc = copy_events(cursor, from_seq, room, most_bytes, arena, batch);
	kv_cursor_close(cursor);
	return rc;
}

int spool_read(struct state *state, uint64_t from_seq, size_t most_events, size_t most_bytes,
        struct arena *arena, struct batch *out)
{
	struct batch batch = {.first_seq = from_seq};
	struct kv_txn *txn;
	int rc = kv_begin_read(state->kv, &txn);
	if (rc < 0)
		return rc;
	rc = read_from(txn, from_seq, most_events, most_bytes, arena, &batch);
	kv_abort(txn);
	if (rc == 0)
		*out = batch;
	return rc;
}

/* --- trimming -------------------------------------------------------------------------------- */

int spool_trim(struct state_txn *txn, uint64_t seq)
{
	struct kv_cursor *cursor;
	struct slice key, value;
	struct state_position position = txn->position;
	if (seq >= position.next_seq)
		seq = position.next_seq - 1;
	if (seq < position.first_seq)
		return 0;
	int rc = kv_cursor_open(txn->kv, STATE_SPOOL, &cursor);
	if (rc < 0)
		return rc;
	rc = kv_first(cursor, &key, &value);
	while (rc == 0 && position.first_seq <= seq) {
		if (!is_seq_key(key, position.first_seq)) {
			rc = ERR_FORMAT;
			break;
		}
		size_t bytes = key.len + value.len;
		position.spool_bytes -= bytes < position.spool_bytes ? bytes : position.spool_bytes;
		position.first_seq++;
		rc = kv_delete_here(cursor);
		if (rc == 0 && position.first_seq <= seq)
			rc = kv_next(cursor, &key, &value);
	}
	kv_cursor_close(cursor);
	if (rc < 0)
		return rc == ERR_MISSING ? ERR_FORMAT : rc;
	txn->position = position;
	txn->moved = true;
	return 0;
}
