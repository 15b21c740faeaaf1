#include "collector/store/fileset.h"

#include "collector/store/hostkey.h"
#include "common/base/log.h"
#include "common/store/pathkey.h"
#include "common/store/staterec.h"

#define MOVE_CHUNK_RECORDS 512

int fileset_span_init(
        struct fileset_span *span, uint32_t host, struct slice dir, enum fileset_range range)
{
	int rc;

	*span = (struct fileset_span){.dir = dir};
	hostkey_begin(&span->prefix, host);
	if (range == FILESET_ENTRIES)
		return pathkey_append_entries(&span->prefix, dir);
	hostkey_begin(&span->entries, host);
	rc = pathkey_append_entries(&span->entries, dir);
	if (rc == 0)
		rc = pathkey_append_deeper(&span->prefix, dir);
	span->is_shared = rc == 1;
	return rc < 0 ? rc : 0;
}

void fileset_span_fini(struct fileset_span *span)
{
	buf_fini(&span->prefix);
	buf_fini(&span->entries);
}

int fileset_read(struct slice key, struct slice record, struct buf *scratch,
        struct filestate *out_state, struct slice *out_path)
{
	struct slice path;
	int rc = staterec_read(record, out_state, &path);

	if (rc < 0)
		return rc;
	if (path.len == 0) {
		buf_reset(scratch);
		rc = pathkey_path(hostkey_rest(key), scratch);
		if (rc < 0)
			return rc;
		path = buf_slice(scratch);
	}
	*out_path = path;
	return 0;
}

bool fileset_span_has(
        const struct fileset_span *span, struct slice key, struct slice record, struct buf *scratch)
{
	struct filestate state;
	struct slice path;

	if (!span->is_shared)
		return true;
	if (slice_starts_with(key, buf_slice(&span->entries)))
		return false;
	if (fileset_read(key, record, scratch, &state, &path) < 0)
		return false;
	return path.len > span->dir.len && slice_starts_with(path, span->dir) &&
	       path.ptr[span->dir.len] == '/';
}

static int delete_span(struct kv_txn *txn, const struct fileset_span *span)
{
	struct buf scratch = BUF_INIT;
	struct slice key, value;
	struct kv_cursor *cursor;
	int rc;

	if (!span->is_shared)
		return hostkey_delete_all(txn, STORE_FILES, buf_slice(&span->prefix));
	rc = kv_cursor_open(txn, STORE_FILES, &cursor);
	if (rc < 0)
		return rc;
	rc = kv_seek(cursor, buf_slice(&span->prefix), &key, &value);
	while (rc == 0 && slice_starts_with(key, buf_slice(&span->prefix))) {
		if (fileset_span_has(span, key, value, &scratch))
			rc = kv_delete_here(cursor);
		if (rc == 0)
			rc = kv_next(cursor, &key, &value);
	}
	kv_cursor_close(cursor);
	buf_fini(&scratch);
	return rc == ERR_MISSING ? 0 : rc;
}

int fileset_delete_below(struct kv_txn *txn, uint32_t host, struct slice dir)
{
	struct fileset_span span;
	int rc = 0;

	for (int range = FILESET_ENTRIES; rc == 0 && range <= FILESET_DEEPER; range++) {
		rc = fileset_span_init(&span, host, dir, (enum fileset_range)range);
		if (rc == 0)
			rc = delete_span(txn, &span);
		fileset_span_fini(&span);
	}
	return rc;
}

/* --- moving: records are copied out a chunk at a time, because the map moves under a writer --- */

struct mover {
	struct kv_txn *txn;
	uint32_t host;
	struct slice from, to;
	struct buf chunk;   /* key length (4), key, record length (4), record; again and again */
	struct buf last;    /* key of the chunk's last record */
	struct buf scratch; /* a path */
	struct buf path, key, record;
};

static void mover_fini(struct mover *mover)
{
	buf_fini(&mover->chunk);
	buf_fini(&mover->last);
	buf_fini(&mover->scratch);
	buf_fini(&mover->path);
	buf_fini(&mover->key);
	buf_fini(&mover->record);
}

static void chunk_add(struct mover *mover, struct slice key, struct slice record)
{
	buf_append_u32(&mover->chunk, (uint32_t)key.len);
	buf_append_slice(&mover->chunk, key);
	buf_append_u32(&mover->chunk, (uint32_t)record.len);
	buf_append_slice(&mover->chunk, record);
	buf_reset(&mover->last);
	buf_append_slice(&mover->last, key);
}

static bool chunk_take(struct slice *in, struct slice *out_key, struct slice *out_record)
{
	uint32_t len;

	return slice_take_u32(in, &len) && slice_take(in, len, out_key) &&
	       slice_take_u32(in, &len) && slice_take(in, len, out_record);
}

/* Copies and deletes the next records of the span. 0: there were none. */
static int take_chunk(struct mover *mover, const struct fileset_span *span)
{
	struct slice key, value;
	struct kv_cursor *cursor;
	int count = 0, rc;

	buf_reset(&mover->chunk);
	rc = kv_cursor_open(mover->txn, STORE_FILES, &cursor);
	if (rc < 0)
		return rc;
	rc = kv_seek(cursor, mover->last.len ? buf_slice(&mover->last) : buf_slice(&span->prefix),
	        &key, &value);
	while (rc == 0 && count < MOVE_CHUNK_RECORDS &&
	        slice_starts_with(key, buf_slice(&span->prefix))) {
		if (fileset_span_has(span, key, value, &mover->scratch)) {
			chunk_add(mover, key, value);
			count++;
			rc = kv_delete_here(cursor);
		}
		if (rc == 0)
			rc = kv_next(cursor, &key, &value);
	}
	kv_cursor_close(cursor);
	return rc < 0 && rc != ERR_MISSING ? rc : count;
}

static int put_moved(struct mover *mover, struct slice key, struct slice record)
{
	struct filestate state;
	struct slice path;

	if (fileset_read(key, record, &mover->scratch, &state, &path) < 0) {
		log_warn("dropping a broken file record host=%u", mover->host);
		return 0;
	}
	buf_reset(&mover->path);
	buf_append_slice(&mover->path, mover->to);
	buf_append(&mover->path, path.ptr + mover->from.len, path.len - mover->from.len);
	hostkey_begin(&mover->key, mover->host);
	if (pathkey_append(&mover->key, buf_slice(&mover->path)) < 0)
		return 0;
	buf_reset(&mover->record);
	staterec_append(&mover->record, buf_slice(&mover->path), &state);
	return kv_put(mover->txn, STORE_FILES, buf_slice(&mover->key), buf_slice(&mover->record));
}

static int move_span(struct mover *mover, const struct fileset_span *span)
{
	struct slice in, key, record;
	int rc;

	buf_reset(&mover->last);
	while ((rc = take_chunk(mover, span)) > 0) {
		in = buf_slice(&mover->chunk);
		while (rc >= 0 && chunk_take(&in, &key, &record))
			rc = put_moved(mover, key, record);
		if (rc < 0)
			break;
	}
	return rc;
}

int fileset_move_below(struct kv_txn *txn, uint32_t host, struct slice from, struct slice to)
{
	struct mover mover = {.txn = txn, .host = host, .from = from, .to = to};
	struct fileset_span span;
	int rc = 0;

	for (int range = FILESET_ENTRIES; rc == 0 && range <= FILESET_DEEPER; range++) {
		rc = fileset_span_init(&span, host, from, (enum fileset_range)range);
		if (rc == 0)
			rc = move_span(&mover, &span);
		fileset_span_fini(&span);
	}
	mover_fini(&mover);
	return rc;
}
