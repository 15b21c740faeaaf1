#include "agent/state/texts.h"

#include "agent/state/state_private.h"
#include "common/base/digest.h"
#include "common/store/pathkey.h"

#define VERSION 1
#define IS_TEXT 1
#define NO_TEXT 2

static int read_record(struct slice record, struct text_copy *out, struct slice *out_path)
{
	uint8_t version, kind;
	uint16_t path_len;
	struct slice sha256;
	if (!slice_take_byte(&record, &version) || version == 0)
		return ERR_FORMAT;
	if (version > VERSION)
		return ERR_VERSION;
	if (!slice_take_byte(&record, &kind) || (kind != IS_TEXT && kind != NO_TEXT) ||
	        !slice_take(&record, SHA256_BYTES, &sha256) ||
	        !slice_take_u16(&record, &path_len) || !slice_take(&record, path_len, out_path))
		return ERR_FORMAT;
	*out = (struct text_copy){.is_text = kind == IS_TEXT};
	memcpy(out->sha256, sha256.ptr, SHA256_BYTES);
	if (out->is_text)
		out->packed = record;
	return 0;
}

static int find_key(struct buf *key, struct slice path)
{
	buf_reset(key);
	return pathkey_append(key, path);
}

int texts_get(struct kv_txn *txn, struct slice path, struct text_copy *out)
{
	struct buf key = BUF_INIT;
	struct slice record, kept_path;
	int rc = find_key(&key, path);
	if (rc == 0)
		rc = kv_get(txn, STATE_TEXTS, buf_slice(&key), &record);
	if (rc == 0)
		rc = read_record(record, out, &kept_path);
	buf_fini(&key);
	return rc;
}

bool texts_has(struct kv_txn *txn, struct slice path)
{
	struct buf key = BUF_INIT;
	struct slice record;
	bool has = pathkey_append(&key, path) == 0 &&
	           kv_get(txn, STATE_TEXTS, buf_slice(&key), &record) == 0;
	buf_fini(&key);
	return has;
}

int texts_put(struct state_txn *txn, struct slice path, const struct text_copy *copy)
{
	int rc = find_key(&txn->key, path);
	if (rc < 0)
		return rc;
	struct slice kept_path = pathkey_is_short(path) ? path : (struct slice){0};
	struct buf *value = &txn->value;
	buf_reset(value);
	buf_append_byte(value, VERSION);
	buf_append_byte(value, copy->is_text ? IS_TEXT : NO_TEXT);
	buf_append(value, copy->sha256, SHA256_BYTES);
	buf_append_u16(value, (uint16_t)kept_path.len);
	buf_append_slice(value, kept_path);
	if (copy->is_text)
		buf_append_slice(value, copy->packed);
	return kv_put(txn->kv, STATE_TEXTS, buf_slice(&txn->key), buf_slice(value));
}

int texts_remove(struct state_txn *txn, struct slice path)
{
	if (texts_count(txn->kv) == 0)
		return 0;
	int rc = find_key(&txn->key, path);
	if (rc == 0)
		rc = kv_delete(txn->kv, STATE_TEXTS, buf_slice(&txn->key));
	return rc == ERR_MISSING ? 0 : rc;
}

int texts_move(struct state_txn *txn, struct slice from, struct slice to)
{
	struct text_copy copy = {0};
	struct buf packed = BUF_INIT; /* writing moves the store's pages */
	if (texts_count(txn->kv) == 0)
		return 0;
	int rc = texts_get(txn->kv, from, &copy);
	if (rc == ERR_MISSING || rc == ERR_FORMAT)
		return texts_remove(txn, to);
	if (rc < 0)
		return rc;
	buf_append_slice(&packed, copy.packed);
	copy.packed = buf_slice(&packed);
	rc = texts_put(txn, to, &copy);
	if (rc == 0)
		rc = texts_remove(txn, from);
	buf_fini(&packed);
	return rc;
}

uint64_t texts_count(struct kv_txn *txn)
{
	return kv_count(txn, STATE_TEXTS);
}

/* --- many ------------------------------------------------------------------------------------ */

static bool is_below(struct slice path, struct slice dir)
{
	size_t len = dir.len == 1 ? 0 : dir.len;
	return path.len > len + 1 && path.ptr[len] == '/' &&
	       slice_starts_with(path, slice_of(dir.ptr, len));
}

/* Reads the record only where the key does not tell: most records are pages of their own. One that
 * has no path is nobody's. */
static int path_of(struct slice key, struct slice record, struct buf *scratch, struct slice *out)
{
	struct text_copy copy;
	buf_reset(scratch);
	int rc = pathkey_path(key, scratch);
	if (rc == 0) {
		*out = buf_slice(scratch);
		return 0;
	}
	rc = read_record(record, &copy, out);
	return rc == 0 && out->len == 0 ? ERR_FORMAT : rc;
}

/* In place of a value of the same length. */
static int put_zeros(struct state_txn *txn, struct slice key, size_t len)
{
	buf_reset(&txn->key);
	buf_append_slice(&txn->key, key);
	buf_reset(&txn->value);
	memset(buf_reserve(&txn->value, len), 0, len);
	txn->value.len = len;
	return kv_put(txn->kv, STATE_TEXTS, buf_slice(&txn->key), buf_slice(&txn->value));
}

static int64_t purge_range(struct state_txn *txn, struct slice prefix, struct slice dir,
        bool (*may_stay)(void *ctx, struct slice path), void *ctx)
{
	struct kv_cursor *cursor;
	struct slice key, record, path;
	struct buf scratch = BUF_INIT;
	int64_t removed = 0;
	int rc = kv_cursor_open(txn->kv, STATE_TEXTS, &cursor);
	if (rc < 0)
		return rc;
	for (rc = kv_seek(cursor, prefix, &key, &record); rc == 0 && slice_starts_with(key, prefix);
	        rc = kv_next(cursor, &key, &record)) {
		rc = path_of(key, record, &scratch, &path);
		if (rc == 0 && (!is_below(path, dir) || (may_stay && may_stay(ctx, path))))
			continue;
		rc = put_zeros(txn, key, record.len);
		if (rc == 0)
			rc = kv_delete_here(cursor);
		if (rc < 0)
			break;
		removed++;
	}
	kv_cursor_close(cursor);
	buf_fini(&scratch);
	return rc < 0 && rc != ERR_MISSING ? rc : removed;
}

int64_t texts_purge_below(struct state_txn *txn, struct slice dir,
        bool (*may_stay)(void *ctx, struct slice path), void *ctx)
{
	struct buf entries = BUF_INIT, deeper = BUF_INIT;
	int64_t near = 0, far = 0;
	if (texts_count(txn->kv) == 0)
		return 0;
	int rc = pathkey_append_entries(&entries, dir);
	if (rc >= 0)
		rc = pathkey_append_deeper(&deeper, dir);
	if (rc >= 0)
		near = purge_range(txn, buf_slice(&entries), dir, may_stay, ctx);
	if (rc >= 0 && near >= 0)
		far = purge_range(txn, buf_slice(&deeper), dir, may_stay, ctx);
	buf_fini(&entries);
	buf_fini(&deeper);
	if (rc < 0)
		return rc;
	if (near < 0)
		return near;
	return far < 0 ? far : near + far;
}

/* --- what free pages still hold -------------------------------------------------------------- */

/*
 * Records of a page each are put where the pages are free, and removed in the end. Their keys are
 * no paths: what a crash leaves of them goes with the next purge.
 */
#define WIPE_KEY    "wipe"
#define WIPE_STEP   1024 /* pages in one transaction */
#define WIPE_ROUNDS 3    /* what a transaction frees can be used by the next but one */

static int put_pages(struct state *state, uint32_t *number, uint64_t pages, struct reason *out_why)
{
	struct state_txn *txn;
	struct buf key = BUF_INIT;
	int rc = state_begin(state, &txn, out_why);
	if (rc < 0)
		return rc;
	for (uint64_t i = 0; rc == 0 && i < pages; i++) {
		buf_reset(&key);
		buf_append_text(&key, WIPE_KEY);
		buf_append_u32(&key, (*number)++);
		rc = put_zeros(txn, buf_slice(&key), kv_page_value_bytes(state->kv));
	}
	buf_fini(&key);
	if (rc == 0)
		return state_commit(txn, out_why);
	state_abort(txn);
	return fail(out_why, rc, "cannot wipe the store: %s", err_text(rc));
}

static int remove_pages(struct state *state, struct reason *out_why)
{
	struct state_txn *txn;
	int rc = state_begin(state, &txn, out_why);
	if (rc < 0)
		return rc;
	int64_t removed = purge_range(txn, slice_text(WIPE_KEY), (struct slice){0}, NULL, NULL);
	if (removed >= 0)
		return state_commit(txn, out_why);
	state_abort(txn);
	return fail(out_why, (int)removed, "cannot wipe the store: %s", err_text((int)removed));
}

int texts_wipe(struct state *state, struct reason *out_why)
{
	uint32_t number = 0;
	int rc = 0;
	for (unsigned round = 0; rc == 0 && round < WIPE_ROUNDS; round++) {
		uint64_t left = kv_free_pages(state->kv);
		if (left > TEXTS_WIPE_PAGES - number)
			left = TEXTS_WIPE_PAGES - number;
		while (rc == 0 && left > 0) {
			uint64_t step = left < WIPE_STEP ? left : WIPE_STEP;
			rc = put_pages(state, &number, step, out_why);
			left -= step;
		}
	}
	int removed = remove_pages(state, out_why);
	return rc < 0 ? rc : removed;
}
