#include "agent/state/baseline.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/state/state_private.h"
#include "agent/state/texts.h"
#include "common/base/mem.h"
#include "common/store/pathkey.h"
#include "common/store/staterec.h"

#define MOVE_STEP 1024 /* paths that a move holds in memory at a time */

/* --- one path -------------------------------------------------------------------------------- */

static struct slice key_slice(const struct pathkey *key)
{
	return slice_of(key->bytes, key->len);
}

int baseline_get(struct kv_txn *txn, struct slice path, struct filestate *out)
{
	struct pathkey key;
	struct slice record = {0};
	int rc = pathkey_of(path, &key);
	if (rc == 0)
		rc = kv_get(txn, STATE_BASELINE, key_slice(&key), &record);
	if (rc == 0)
		rc = staterec_read(record, out, NULL);
	return rc;
}

int baseline_put(struct state_txn *txn, struct slice path, const struct filestate *state)
{
	struct pathkey key;
	int rc = pathkey_of(path, &key);
	if (rc != 0)
		return rc;
	buf_reset(&txn->value);
	staterec_append(&txn->value, path, state);
	return kv_put(txn->kv, STATE_BASELINE, key_slice(&key), buf_slice(&txn->value));
}

int baseline_remove(struct state_txn *txn, struct slice path)
{
	struct pathkey key;
	int rc = texts_remove(txn, path);
	if (rc == 0)
		rc = pathkey_of(path, &key);
	return rc != 0 ? rc : kv_delete(txn->kv, STATE_BASELINE, key_slice(&key));
}

uint64_t baseline_count(struct kv_txn *txn)
{
	return kv_count(txn, STATE_BASELINE);
}

/* --- one directory --------------------------------------------------------------------------- */

struct baseline_entries {
	struct kv_cursor *cursor;
	struct buf prefix;
	bool is_begun;
};

int baseline_entries_open(struct kv_txn *txn, struct slice dir, struct baseline_entries **out)
{
	struct baseline_entries *entries = mem_new(sizeof(*entries));
	int rc = pathkey_append_entries(&entries->prefix, dir);
	if (rc == 0)
		rc = kv_cursor_open(txn, STATE_BASELINE, &entries->cursor);
	if (rc < 0) {
		baseline_entries_close(entries);
		return rc;
	}
	*out = entries;
	return 0;
}

int baseline_entries_next(
        struct baseline_entries *entries, struct slice *out_name, struct filestate *out)
{
	struct slice prefix = buf_slice(&entries->prefix);
	struct slice key, record, name;
	do {
		int rc = entries->is_begun ? kv_next(entries->cursor, &key, &record)
		                           : kv_seek(entries->cursor, prefix, &key, &record);
		entries->is_begun = true;
		if (rc < 0)
			return rc;
		if (!slice_starts_with(key, prefix))
			return ERR_MISSING;
		name = slice_of(key.ptr + prefix.len, key.len - prefix.len);
	} while (name.len == 0); /* "/" itself has the key that begins its entries */
	struct filestate state;
	int rc = staterec_read(record, &state, NULL);
	if (rc < 0)
		return rc;
	*out_name = name;
	*out = state;
	return 0;
}

void baseline_entries_close(struct baseline_entries *entries)
{
	if (entries == NULL)
		return;
	kv_cursor_close(entries->cursor);
	buf_fini(&entries->prefix);
	free(entries);
}

/* --- everything below a directory ------------------------------------------------------------ */

/*
 * What lies below a directory stands in two ranges of keys: its entries, and all that is deeper.
 * The second may hold foreign records when paths were shortened, so each path is looked at.
 */
struct below {
	struct kv_cursor *cursor;
	struct slice dir;
	struct buf prefix;
	struct buf path;
	bool is_deeper; /* the second range */
	bool is_backwards;
	bool is_begun;
	struct slice key;
	struct slice record;
};

static int below_open(
        struct below *below, struct kv_txn *txn, struct slice dir, bool deeper, bool is_backwards)
{
	*below = (struct below){.dir = dir, .is_deeper = deeper, .is_backwards = is_backwards};
	int rc = deeper ? pathkey_append_deeper(&below->prefix, dir)
	                : pathkey_append_entries(&below->prefix, dir);
	return rc < 0 ? rc : kv_cursor_open(txn, STATE_BASELINE, &below->cursor);
}

static void below_close(struct below *below)
{
	kv_cursor_close(below->cursor);
	buf_fini(&below->prefix);
	buf_fini(&below->path);
}

/* The last key with the prefix is the one before the first key behind it. The prefix ends with
 * NUL, 0x01 or a slash, so its last byte can be counted up. */
static int seek_last(struct below *below)
{
	uint8_t *last = &below->prefix.data[below->prefix.len - 1];
	(*last)++;
	int rc = kv_seek(below->cursor, buf_slice(&below->prefix), &below->key, &below->record);
	(*last)--;
	if (rc == ERR_MISSING)
		return kv_last(below->cursor, &below->key, &below->record);
	return rc < 0 ? rc : kv_prev(below->cursor, &below->key, &below->record);
}

static int step(struct below *below)
{
	bool is_begun = below->is_begun;
	below->is_begun = true;
	if (is_begun && below->is_backwards)
		return kv_prev(below->cursor, &below->key, &below->record);
	if (is_begun)
		return kv_next(below->cursor, &below->key, &below->record);
	if (below->is_backwards)
		return seek_last(below);
	return kv_seek(below->cursor, buf_slice(&below->prefix), &below->key, &below->record);
}

static bool is_below(struct slice path, struct slice dir)
{
	size_t len = dir.len == 1 ? 0 : dir.len; /* "/" ends with the slash that separates */
	return path.len > len + 1 && path.ptr[len] == '/' &&
	       slice_starts_with(path, slice_of(dir.ptr, len));
}

/* Where paths are shortened the second range includes the first. */
static bool is_wanted(const struct below *below, struct slice path)
{
	size_t len = below->dir.len == 1 ? 1 : below->dir.len + 1;
	if (!is_below(path, below->dir))
		return false;
	return !below->is_deeper || memchr(path.ptr + len, '/', path.len - len) != NULL;
}

/* ERR_MISSING at the end of the range. */
static int below_next(struct below *below, struct slice *out_path, struct filestate *out)
{
	for (;;) {
		int rc = step(below);
		if (rc < 0)
			return rc;
		if (!slice_starts_with(below->key, buf_slice(&below->prefix)))
			return ERR_MISSING;
		rc = staterec_read(below->record, out, out_path);
		if (rc == 0 && out_path->len == 0) {
			buf_reset(&below->path);
			rc = pathkey_path(below->key, &below->path);
			*out_path = buf_slice(&below->path);
		}
		if (rc < 0)
			return rc;
		if (is_wanted(below, *out_path))
			return 0;
	}
}

static int each_in_range(struct kv_txn *txn, struct slice dir, bool deeper, bool is_backwards,
        int (*each)(void *ctx, struct slice path, const struct filestate *state), void *ctx)
{
	struct below below;
	struct slice path;
	struct filestate state;
	int rc = below_open(&below, txn, dir, deeper, is_backwards);
	while (rc == 0 && (rc = below_next(&below, &path, &state)) == 0) {
		rc = each(ctx, path, &state);
		if (rc < 0) {
			below_close(&below);
			return rc;
		}
		rc = 0;
	}
	below_close(&below);
	return rc == ERR_MISSING ? 0 : rc;
}

int baseline_each_below(struct kv_txn *txn, struct slice dir,
        int (*each)(void *ctx, struct slice path, const struct filestate *state), void *ctx)
{
	int rc = each_in_range(txn, dir, false, false, each, ctx);
	return rc < 0 ? rc : each_in_range(txn, dir, true, false, each, ctx);
}

int baseline_each_below_backwards(struct kv_txn *txn, struct slice dir,
        int (*each)(void *ctx, struct slice path, const struct filestate *state), void *ctx)
{
	int rc = each_in_range(txn, dir, true, true, each, ctx);
	return rc < 0 ? rc : each_in_range(txn, dir, false, true, each, ctx);
}

static int remove_range(struct state_txn *txn, struct slice dir, bool deeper)
{
	struct below below;
	struct slice path;
	struct filestate state;
	int rc = below_open(&below, txn->kv, dir, deeper, false);
	while (rc == 0 && (rc = below_next(&below, &path, &state)) == 0)
		rc = kv_delete_here(below.cursor);
	below_close(&below);
	return rc == ERR_MISSING ? 0 : rc;
}

int baseline_remove_below(struct state_txn *txn, struct slice dir)
{
	int64_t removed = texts_purge_below(txn, dir, NULL, NULL);
	int rc = removed < 0 ? (int)removed : remove_range(txn, dir, false);
	return rc < 0 ? rc : remove_range(txn, dir, true);
}

/* --- a directory moves ----------------------------------------------------------------------- */

struct collected {
	struct buf paths; /* length (4 bytes) and bytes of each */
	size_t count;
};

static int collect(void *ctx, struct slice path, const struct filestate *state)
{
	struct collected *collected = ctx;
	(void)state;
	buf_append_u32(&collected->paths, (uint32_t)path.len);
	buf_append_slice(&collected->paths, path);
	return ++collected->count < MOVE_STEP ? 0 : ERR_LIMIT;
}

/* A path that would be too long in its new place cannot be watched there: it is forgotten. */
static int move_one(struct state_txn *txn, struct slice old_path, struct slice old_dir,
        struct slice new_dir, struct buf *new_path)
{
	struct filestate state;
	size_t old_len = old_dir.len == 1 ? 0 : old_dir.len;
	buf_reset(new_path);
	if (new_dir.len > 1)
		buf_append_slice(new_path, new_dir);
	buf_append(new_path, old_path.ptr + old_len, old_path.len - old_len);
	int rc = baseline_get(txn->kv, old_path, &state);
	if (rc == 0)
		rc = baseline_put(txn, buf_slice(new_path), &state);
	if (rc == 0)
		rc = texts_move(txn, old_path, buf_slice(new_path));
	if (rc < 0 && rc != ERR_LIMIT)
		return rc;
	return baseline_remove(txn, old_path);
}

int baseline_move_below(struct state_txn *txn, struct slice old_dir, struct slice new_dir)
{
	struct collected collected = {.paths = BUF_INIT};
	struct buf new_path = BUF_INIT;
	int rc = slice_equal(old_dir, new_dir) || is_below(old_dir, new_dir) ||
	                         is_below(new_dir, old_dir)
	                 ? ERR_FORMAT
	                 : 0;
	while (rc == 0) {
		collected.count = 0;
		buf_reset(&collected.paths);
		rc = baseline_each_below(txn->kv, old_dir, collect, &collected);
		if (rc == ERR_LIMIT)
			rc = 0;
		if (rc < 0 || collected.count == 0)
			break;
		struct slice rest = buf_slice(&collected.paths);
		struct slice path;
		uint32_t len;
		while (rc == 0 && slice_take_u32(&rest, &len) && slice_take(&rest, len, &path))
			rc = move_one(txn, path, old_dir, new_dir, &new_path);
	}
	buf_fini(&collected.paths);
	buf_fini(&new_path);
	return rc;
}
