/*
 * Listings of a host's files. Everything below a directory is up to three ranges of keys that
 * follow each other in key order: the directory's own record, its entries, what lies deeper. A
 * cursor says in which of them a listing is, and behind which key it goes on:
 *
 *   1 byte   enum stage
 *   …        the last key that was given, with its host id; empty at the beginning of the stage
 */
#include "collector/store/picture.h"

#include "collector/store/fileset.h"
#include "collector/store/hostkey.h"
#include "common/store/pathkey.h"
#include "common/store/staterec.h"

enum stage { STAGE_SELF, STAGE_ENTRIES, STAGE_DEEPER, STAGE_ALL, STAGE_OVER };

struct listing {
	struct kv_txn *txn;
	uint32_t host;
	struct slice prefix;
	size_t left; /* may still be given in this call */
	struct buf *cursor;
	struct buf scratch;
	int (*each)(void *ctx, struct slice path, const struct filestate *state);
	void *ctx;
};

static enum stage next_stage(enum stage stage)
{
	switch (stage) {
	case STAGE_SELF:
		return STAGE_ENTRIES;
	case STAGE_ENTRIES:
		return STAGE_DEEPER;
	default:
		return STAGE_OVER;
	}
}

static void set_cursor(struct buf *cursor, enum stage stage, struct slice key)
{
	buf_reset(cursor);
	buf_append_byte(cursor, (uint8_t)stage);
	buf_append_slice(cursor, key);
}

/* Gives one record; what cannot be read is passed over. */
static int give(struct listing *listing, enum stage stage, struct slice key, struct slice record)
{
	struct filestate state;
	struct slice path;
	int rc = 0;

	if (fileset_read(key, record, &listing->scratch, &state, &path) == 0) {
		listing->left--;
		rc = listing->each(listing->ctx, path, &state);
	}
	set_cursor(listing->cursor, stage, key);
	return rc < 0 ? rc : 0;
}

/* The least key behind the last one given is that key with a NUL byte more. */
static int seek_behind(struct kv_cursor *records, const struct buf *cursor, struct slice prefix,
        struct slice *out_key, struct slice *out_value)
{
	struct buf from = BUF_INIT;
	int rc;

	if (cursor->len <= 1)
		return kv_seek(records, prefix, out_key, out_value);
	buf_append(&from, cursor->data + 1, cursor->len - 1);
	buf_append_byte(&from, 0);
	rc = kv_seek(records, buf_slice(&from), out_key, out_value);
	buf_fini(&from);
	return rc;
}

/* 1: as many as wanted were given; 0: the stage is over. */
static int list_span(struct listing *listing, enum stage stage, const struct fileset_span *span)
{
	struct slice prefix = buf_slice(&span->prefix), key, value;
	struct kv_cursor *records;
	int rc = kv_cursor_open(listing->txn, STORE_FILES, &records);

	if (rc < 0)
		return rc;
	rc = seek_behind(records, listing->cursor, prefix, &key, &value);
	while (rc == 0 && slice_starts_with(key, prefix)) {
		if (fileset_span_has(span, key, value, &listing->scratch)) {
			if (listing->left == 0) {
				rc = 1;
				break;
			}
			rc = give(listing, stage, key, value);
		}
		if (rc == 0)
			rc = kv_next(records, &key, &value);
	}
	kv_cursor_close(records);
	return rc == ERR_MISSING ? 0 : rc;
}

static int list_self(struct listing *listing)
{
	struct buf key = BUF_INIT;
	struct slice record;
	int rc;

	hostkey_begin(&key, listing->host);
	rc = pathkey_append(&key, listing->prefix);
	if (rc == 0)
		rc = kv_get(listing->txn, STORE_FILES, buf_slice(&key), &record);
	if (rc == 0)
		rc = give(listing, STAGE_SELF, buf_slice(&key), record);
	buf_fini(&key);
	return rc == ERR_MISSING ? 0 : rc;
}

static int list_stage(struct listing *listing, enum stage stage)
{
	struct fileset_span span = {0};
	int rc = 0;

	if (stage == STAGE_SELF)
		return listing->left ? list_self(listing) : 1;
	if (stage == STAGE_ALL)
		hostkey_begin(&span.prefix, listing->host);
	else
		rc = fileset_span_init(&span, listing->host, listing->prefix,
		        stage == STAGE_ENTRIES ? FILESET_ENTRIES : FILESET_DEEPER);
	if (rc == 0)
		rc = list_span(listing, stage, &span);
	fileset_span_fini(&span);
	return rc;
}

static struct slice without_end_slashes(struct slice path)
{
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

int picture_files(struct kv_txn *txn, uint32_t host, struct slice prefix, struct buf *cursor,
        size_t most, int (*each)(void *ctx, struct slice path, const struct filestate *state),
        void *ctx)
{
	struct listing listing = {
	        .txn = txn,
	        .host = host,
	        .prefix = without_end_slashes(prefix),
	        .left = most,
	        .cursor = cursor,
	        .each = each,
	        .ctx = ctx,
	};
	enum stage stage;
	int rc = 0;

	if (cursor->len == 0)
		set_cursor(cursor, listing.prefix.len <= 1 ? STAGE_ALL : STAGE_SELF,
		        slice_of(NULL, 0));
	if (cursor->data[0] == STAGE_SELF && cursor->len > 1)
		set_cursor(cursor, STAGE_ENTRIES, slice_of(NULL, 0));
	while ((stage = (enum stage)cursor->data[0]) < STAGE_OVER) {
		rc = list_stage(&listing, stage);
		if (rc != 0)
			break;
		set_cursor(cursor, next_stage(stage), slice_of(NULL, 0));
	}
	buf_fini(&listing.scratch);
	return rc;
}

int picture_file(struct kv_txn *txn, uint32_t host, struct slice path, struct filestate *out)
{
	struct buf key = BUF_INIT;
	struct slice record;
	int rc;

	hostkey_begin(&key, host);
	rc = pathkey_append(&key, path);
	if (rc == 0)
		rc = kv_get(txn, STORE_FILES, buf_slice(&key), &record);
	buf_fini(&key);
	return rc == 0 ? staterec_read(record, out, NULL) : rc;
}

uint64_t picture_count_files(struct kv_txn *txn, uint32_t host)
{
	struct buf prefix = BUF_INIT;
	struct slice key, value;
	struct kv_cursor *cursor;
	uint64_t count = 0;
	int rc;

	hostkey_begin(&prefix, host);
	if (kv_cursor_open(txn, STORE_FILES, &cursor) == 0) {
		for (rc = kv_seek(cursor, buf_slice(&prefix), &key, &value);
		        rc == 0 && slice_starts_with(key, buf_slice(&prefix));
		        rc = kv_next(cursor, &key, &value))
			count++;
		kv_cursor_close(cursor);
	}
	buf_fini(&prefix);
	return count;
}
