/*
 * Values in the meta table, by name:
 *
 *   name      value
 *   stream    1 byte version (1), 16 bytes stream id
 *   position  next_seq, first_seq, spool_bytes: 8 bytes big endian each
 *   =NAME     the value that state_meta_put was given for NAME
 *
 * stream is written once, when the store is made or begun anew, together with the first position:
 * a store without it that holds anything else is not ours.
 */
#include "agent/state/state_private.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/io/file.h"

#define VERSION           1
#define MAP_BYTES_DEFAULT (16ULL << 30)
#define NAME_STREAM       "stream"
#define NAME_POSITION     "position"

static const char *const TABLES[] = {
        [STATE_META] = "meta",
        [STATE_BASELINE] = "baseline",
        [STATE_FACTS] = "facts",
        [STATE_SPOOL] = "spool",
        [STATE_TEXTS] = "texts",
        [STATE_APPS] = "apps",
        [STATE_FORMER] = "former",
        NULL,
};
#define TABLE_COUNT (sizeof(TABLES) / sizeof(TABLES[0]) - 1)

/* --- the records of our own ------------------------------------------------------------------ */

static int read_stream(struct kv_txn *txn, uint8_t out_id[WIRE_STREAM_ID_BYTES])
{
	struct slice value, id;
	uint8_t version;
	int rc = kv_get(txn, STATE_META, slice_text(NAME_STREAM), &value);
	if (rc < 0)
		return rc;
	if (!slice_take_byte(&value, &version) || version == 0)
		return ERR_FORMAT;
	if (version > VERSION)
		return ERR_VERSION;
	if (!slice_take(&value, WIRE_STREAM_ID_BYTES, &id) || value.len != 0)
		return ERR_FORMAT;
	memcpy(out_id, id.ptr, WIRE_STREAM_ID_BYTES);
	return 0;
}

int state_read_position(struct kv_txn *txn, struct state_position *out)
{
	struct slice value;
	struct state_position position;
	int rc = kv_get(txn, STATE_META, slice_text(NAME_POSITION), &value);
	if (rc < 0)
		return rc;
	bool is_whole = slice_take_u64(&value, &position.next_seq) &&
	                slice_take_u64(&value, &position.first_seq) &&
	                slice_take_u64(&value, &position.spool_bytes) && value.len == 0;
	if (!is_whole || position.first_seq == 0 || position.first_seq > position.next_seq)
		return ERR_FORMAT;
	*out = position;
	return 0;
}

static int write_position(struct kv_txn *txn, const struct state_position *position)
{
	struct buf value = BUF_INIT;
	buf_append_u64(&value, position->next_seq);
	buf_append_u64(&value, position->first_seq);
	buf_append_u64(&value, position->spool_bytes);
	int rc = kv_put(txn, STATE_META, slice_text(NAME_POSITION), buf_slice(&value));
	buf_fini(&value);
	return rc;
}

static int write_new_stream(struct kv_txn *txn, uint8_t out_id[WIRE_STREAM_ID_BYTES])
{
	struct buf value = BUF_INIT;
	random_bytes(out_id, WIRE_STREAM_ID_BYTES);
	buf_append_byte(&value, VERSION);
	buf_append(&value, out_id, WIRE_STREAM_ID_BYTES);
	int rc = kv_put(txn, STATE_META, slice_text(NAME_STREAM), buf_slice(&value));
	buf_fini(&value);
	struct state_position position = {.first_seq = 1, .next_seq = 1};
	return rc < 0 ? rc : write_position(txn, &position);
}

static void publish(struct state *state, const struct state_position *position)
{
	uint64_t limit = state->limits.spool_bytes;
	pthread_mutex_lock(&state->figures);
	state->position = *position;
	if (limit > 0 && position->spool_bytes > limit)
		state->is_full = true;
	else if (position->spool_bytes <= limit / 4 * 3 || limit == 0)
		state->is_full = false;
	pthread_mutex_unlock(&state->figures);
}

/* --- open ------------------------------------------------------------------------------------ */

static uint64_t seq_of_key(struct slice key)
{
	uint64_t seq = 0;
	return slice_take_u64(&key, &seq) && key.len == 0 ? seq : 0;
}

/* The spool is numbered without a hole from first_seq to next_seq: its two ends and its count say
 * whether the position and the records are of one piece. */
static int check_spool(struct kv_txn *txn, const struct state_position *position)
{
	uint64_t held = position->next_seq - position->first_seq;
	struct kv_cursor *cursor;
	struct slice key, value;
	if (kv_count(txn, STATE_SPOOL) != held)
		return ERR_FORMAT;
	if (held == 0)
		return 0;
	int rc = kv_cursor_open(txn, STATE_SPOOL, &cursor);
	if (rc < 0)
		return rc;
	rc = kv_first(cursor, &key, &value);
	if (rc == 0 && seq_of_key(key) != position->first_seq)
		rc = ERR_FORMAT;
	if (rc == 0)
		rc = kv_last(cursor, &key, &value);
	if (rc == 0 && seq_of_key(key) != position->next_seq - 1)
		rc = ERR_FORMAT;
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? ERR_FORMAT : rc;
}

static int load(struct state *state)
{
	struct kv_txn *txn;
	struct state_position position;
	int rc = kv_begin_read(state->kv, &txn);
	if (rc < 0)
		return rc;
	rc = read_stream(txn, state->stream_id);
	if (rc == 0) {
		rc = state_read_position(txn, &position);
		if (rc == 0)
			rc = check_spool(txn, &position);
		if (rc == ERR_MISSING)
			rc = ERR_FORMAT;
	}
	kv_abort(txn);
	if (rc == 0)
		publish(state, &position);
	return rc;
}

static int is_store_empty(struct kv *kv, bool *out)
{
	struct kv_txn *txn;
	uint64_t records = 0;
	int rc = kv_begin_read(kv, &txn);
	if (rc < 0)
		return rc;
	for (unsigned table = 0; table < TABLE_COUNT; table++)
		records += kv_count(txn, table);
	kv_abort(txn);
	*out = records == 0;
	return 0;
}

static int make_stream(struct state *state)
{
	struct kv_txn *txn;
	int rc = kv_begin_write(state->kv, &txn);
	if (rc < 0)
		return rc;
	rc = write_new_stream(txn, state->stream_id);
	if (rc < 0) {
		kv_abort(txn);
		return rc;
	}
	return kv_commit(txn);
}

/* Loads the store's own records, or makes them in a store that nobody has written to yet. */
static int load_or_make(struct state *state, const char *dir, struct reason *out_why)
{
	bool is_empty = false;
	int rc = load(state);
	if (rc == ERR_MISSING) {
		rc = is_store_empty(state->kv, &is_empty);
		if (rc == 0 && !is_empty)
			rc = ERR_FORMAT;
	}
	if (rc == 0 && is_empty) {
		rc = make_stream(state);
		if (rc == 0)
			rc = load(state);
		state->is_new = true;
	}
	if (rc == ERR_VERSION)
		return fail(out_why, rc, "cannot use state '%s': it was written by a newer version",
		        dir);
	return rc < 0 ? fail(out_why, rc, "cannot use state '%s': %s", dir, err_text(rc)) : 0;
}

static int open_store(struct state *state, const char *db, struct reason *out_why)
{
	uint64_t map = state->limits.map_bytes ? state->limits.map_bytes : MAP_BYTES_DEFAULT;
	int rc = file_make_dir(db, 0700, out_why);
	if (rc == 0)
		rc = kv_open(db, TABLES, map, false, &state->kv, out_why);
	if (rc == 0)
		rc = load_or_make(state, db, out_why);
	if (rc < 0) {
		kv_close(state->kv);
		state->kv = NULL;
	}
	return rc;
}

/* What an LMDB file says when its pages are not what they should be. A full disk, a missing
 * permission or a newer version are no damage: moving the store aside would lose what it holds. */
static bool is_damage(int rc)
{
	return rc == ERR_STORE || rc == ERR_FORMAT || rc == ERR_MISSING;
}

static int move_aside(const char *db, struct reason *out_why)
{
	char aside[PATH_MAX];
	int64_t now_s = clock_wall_ns() / NS_PER_S;
	struct stat st;
	do {
		int len = snprintf(aside, sizeof(aside), "%s.broken-%lld", db, (long long)now_s++);
		if (len < 0 || (size_t)len >= sizeof(aside))
			return fail(out_why, -ENAMETOOLONG, "cannot move '%s' aside: %s", db,
			        err_text(-ENAMETOOLONG));
	} while (lstat(aside, &st) == 0);
	if (rename(db, aside) != 0) {
		int code = -errno;
		return fail(out_why, code, "cannot move damaged store '%s' to '%s': %s", db, aside,
		        err_text(code));
	}
	return 0;
}

static struct state *state_alloc(const char *dir, const struct state_limits *limits)
{
	struct state *state = mem_new(sizeof(*state));
	state->dir = mem_copy_text(dir, strlen(dir));
	state->lock_fd = -1;
	if (limits != NULL)
		state->limits = *limits;
	pthread_mutex_init(&state->writer, NULL);
	pthread_mutex_init(&state->figures, NULL);
	return state;
}

static int64_t written_ns(const char *db)
{
	char file[PATH_MAX];
	struct stat st;
	int len = snprintf(file, sizeof(file), "%s/data.mdb", db);
	if (len < 0 || (size_t)len >= sizeof(file) || stat(file, &st) != 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
}

static int lock_and_open(struct state *state, struct reason *out_why)
{
	char db[PATH_MAX], lock[PATH_MAX];
	int len = snprintf(lock, sizeof(lock), "%s/lock", state->dir);
	if (len < 0 || (size_t)len >= sizeof(lock))
		return fail(out_why, -ENAMETOOLONG, "cannot open state '%s': %s", state->dir,
		        err_text(-ENAMETOOLONG));
	snprintf(db, sizeof(db), "%s/db", state->dir);
	state->last_written_ns = written_ns(db);

	int rc = file_make_dir(state->dir, 0700, out_why);
	if (rc == 0)
		rc = file_lock(lock, &state->lock_fd, out_why);
	if (rc < 0)
		return rc;
	rc = open_store(state, db, out_why);
	if (!is_damage(rc))
		return rc;
	rc = move_aside(db, out_why);
	if (rc == 0)
		rc = open_store(state, db, out_why);
	state->was_rebuilt = rc == 0;
	return rc;
}

int state_open(const char *dir, const struct state_limits *limits, struct state **out,
        struct reason *out_why)
{
	struct state *state = state_alloc(dir, limits);
	int rc = lock_and_open(state, out_why);
	if (rc < 0) {
		state_close(state);
		return rc;
	}
	*out = state;
	return 0;
}

int state_open_read_only(const char *dir, struct state **out, struct reason *out_why)
{
	char db[PATH_MAX];
	int len = snprintf(db, sizeof(db), "%s/db", dir);
	if (len < 0 || (size_t)len >= sizeof(db))
		return fail(out_why, -ENAMETOOLONG, "cannot open state '%s': %s", dir,
		        err_text(-ENAMETOOLONG));
	struct state *state = state_alloc(dir, NULL);
	int rc = kv_open(db, TABLES, MAP_BYTES_DEFAULT, true, &state->kv, out_why);
	if (rc == 0) {
		rc = load(state);
		if (rc < 0)
			fail(out_why, rc, "cannot use state '%s': %s", db, err_text(rc));
	}
	if (rc < 0) {
		state_close(state);
		return rc;
	}
	*out = state;
	return 0;
}

void state_close(struct state *state)
{
	if (state == NULL)
		return;
	kv_close(state->kv);
	if (state->lock_fd >= 0)
		close(state->lock_fd);
	pthread_mutex_destroy(&state->writer);
	pthread_mutex_destroy(&state->figures);
	free(state->dir);
	free(state);
}

/* --- questions ------------------------------------------------------------------------------- */

bool state_was_rebuilt(const struct state *state)
{
	return state->was_rebuilt;
}

int64_t state_last_written_ns(const struct state *state)
{
	return state->last_written_ns;
}

bool state_is_new(const struct state *state)
{
	return state->is_new;
}

const uint8_t *state_stream_id(const struct state *state)
{
	return state->stream_id;
}

struct kv *state_kv(struct state *state)
{
	return state->kv;
}

struct state_position state_position(const struct state *state)
{
	pthread_mutex_t *figures = (pthread_mutex_t *)&state->figures;
	pthread_mutex_lock(figures);
	struct state_position position = state->position;
	pthread_mutex_unlock(figures);
	return position;
}

bool state_is_full(const struct state *state)
{
	pthread_mutex_t *figures = (pthread_mutex_t *)&state->figures;
	pthread_mutex_lock(figures);
	bool is_full = state->is_full;
	pthread_mutex_unlock(figures);
	return is_full;
}

/* --- transactions ---------------------------------------------------------------------------- */

static void end(struct state_txn *txn)
{
	pthread_mutex_unlock(&txn->state->writer);
	buf_fini(&txn->key);
	buf_fini(&txn->value);
	free(txn);
}

int state_begin(struct state *state, struct state_txn **out, struct reason *out_why)
{
	struct state_txn *txn = mem_new(sizeof(*txn));
	txn->state = state;
	pthread_mutex_lock(&state->writer);
	int rc = kv_begin_write(state->kv, &txn->kv);
	if (rc < 0) {
		end(txn);
		return fail(out_why, rc, "cannot write state '%s': %s", state->dir, err_text(rc));
	}
	txn->position = state_position(state);
	*out = txn;
	return 0;
}

int state_commit(struct state_txn *txn, struct reason *out_why)
{
	struct state *state = txn->state;
	int rc = txn->moved ? write_position(txn->kv, &txn->position) : 0;
	if (rc < 0)
		kv_abort(txn->kv);
	else
		rc = kv_commit(txn->kv);
	if (rc == 0 && txn->moved)
		publish(state, &txn->position);
	end(txn);
	return rc < 0 ? fail(out_why, rc, "cannot write state '%s': %s", state->dir, err_text(rc))
	              : 0;
}

void state_abort(struct state_txn *txn)
{
	if (txn == NULL)
		return;
	kv_abort(txn->kv);
	end(txn);
}

struct kv_txn *state_txn_kv(struct state_txn *txn)
{
	return txn->kv;
}

/* --- beginning anew -------------------------------------------------------------------------- */

static int empty_table(struct kv_txn *txn, unsigned table)
{
	struct kv_cursor *cursor;
	struct slice key, value;
	int rc = kv_cursor_open(txn, table, &cursor);
	if (rc < 0)
		return rc;
	for (rc = kv_first(cursor, &key, &value); rc == 0; rc = kv_next(cursor, &key, &value)) {
		rc = kv_delete_here(cursor);
		if (rc < 0)
			break;
	}
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? 0 : rc;
}

int state_begin_anew(struct state *state, struct reason *out_why)
{
	uint8_t stream_id[WIRE_STREAM_ID_BYTES];
	struct state_txn *txn;
	int rc = state_begin(state, &txn, out_why);
	if (rc < 0)
		return rc;
	for (unsigned table = 0; rc == 0 && table < TABLE_COUNT; table++)
		rc = empty_table(txn->kv, table);
	if (rc == 0)
		rc = write_new_stream(txn->kv, stream_id);
	if (rc < 0) {
		state_abort(txn);
		return fail(
		        out_why, rc, "cannot begin state '%s' anew: %s", state->dir, err_text(rc));
	}
	txn->position = (struct state_position){.first_seq = 1, .next_seq = 1};
	txn->moved = true;
	rc = state_commit(txn, out_why);
	if (rc == 0)
		memcpy(state->stream_id, stream_id, sizeof(stream_id));
	return rc;
}
