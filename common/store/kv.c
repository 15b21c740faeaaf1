#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "common/base/mem.h"
#include "common/store/kv_private.h"

#define NEARLY_FULL_BYTES (4u << 20) /* less is free: a short write was for want of room */

struct kv_cursor {
	struct kv_txn *txn;
	MDB_cursor *mdb;
};

int kv_code_of(int mdb_rc)
{
	switch (mdb_rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return ERR_MISSING;
	case MDB_KEYEXIST:
		return -EEXIST;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	case MDB_READERS_FULL:
	case MDB_BAD_VALSIZE:
		return ERR_LIMIT;
	case MDB_VERSION_MISMATCH:
		return ERR_VERSION;
	default:
		/* LMDB's other codes are negative, errno is positive. */
		return mdb_rc > 0 ? -mdb_rc : ERR_STORE;
	}
}

static MDB_val val_of(struct slice slice)
{
	/* LMDB copies from the pointer even when there is nothing to copy. */
	return (MDB_val){.mv_size = slice.len, .mv_data = slice.ptr ? (void *)slice.ptr : ""};
}

static struct slice slice_of_val(MDB_val val)
{
	return slice_of(val.mv_data, val.mv_size);
}

/* --- transactions ----------------------------------------------------------------------------- */

static int begin(struct kv *kv, struct kv_txn *parent, unsigned flags, struct kv_txn **out)
{
	MDB_txn *mdb;
	int dead;
	int rc = parent ? 0 : kv_enter(kv);
	if (rc != 0)
		return kv_code_of(rc);
	rc = mdb_txn_begin(kv->env, parent ? parent->mdb : NULL, flags, &mdb);
	if (rc == MDB_READERS_FULL && mdb_reader_check(kv->env, &dead) == 0 && dead > 0)
		rc = mdb_txn_begin(kv->env, NULL, flags, &mdb);
	if (rc != 0) {
		if (!parent)
			kv_leave(kv, 0);
		return kv_code_of(rc);
	}
	struct kv_txn *txn = mem_new(sizeof(*txn));
	*txn = (struct kv_txn){.kv = kv, .parent = parent, .mdb = mdb};
	*out = txn;
	return 0;
}

static void end(struct kv_txn *txn)
{
	if (txn->parent)
		txn->parent->writes += txn->writes;
	else
		kv_leave(txn->kv, txn->writes);
	free(txn);
}

int kv_begin_read(struct kv *kv, struct kv_txn **out)
{
	return begin(kv, NULL, MDB_RDONLY, out);
}

int kv_begin_write(struct kv *kv, struct kv_txn **out)
{
	return begin(kv, NULL, 0, out);
}

int kv_begin_nested(struct kv_txn *parent, struct kv_txn **out)
{
	return begin(parent->kv, parent, 0, out);
}

/* LMDB takes a write that came out short for an input/output error; on a full disk it is none. */
static bool is_disk_full(MDB_env *env)
{
	mdb_filehandle_t fd;
	struct statvfs fs;
	return mdb_env_get_fd(env, &fd) == 0 && fstatvfs(fd, &fs) == 0 &&
	       fs.f_bavail * fs.f_frsize < NEARLY_FULL_BYTES;
}

int kv_commit(struct kv_txn *txn)
{
	MDB_env *env = mdb_txn_env(txn->mdb);
	int rc = mdb_txn_commit(txn->mdb);
	if (rc == EIO && is_disk_full(env))
		rc = ENOSPC;
	end(txn);
	return kv_code_of(rc);
}

void kv_abort(struct kv_txn *txn)
{
	if (txn == NULL)
		return;
	mdb_txn_abort(txn->mdb);
	end(txn);
}

/* --- records ---------------------------------------------------------------------------------- */

static MDB_dbi dbi_of(const struct kv_txn *txn, unsigned table)
{
	assert(table < txn->kv->table_count);
	return txn->kv->table[table];
}

int kv_get(struct kv_txn *txn, unsigned table, struct slice key, struct slice *out)
{
	MDB_val mdb_key = val_of(key);
	MDB_val value;
	int rc = mdb_get(txn->mdb, dbi_of(txn, table), &mdb_key, &value);
	if (rc == 0)
		*out = slice_of_val(value);
	return kv_code_of(rc);
}

static int put(
        struct kv_txn *txn, unsigned table, struct slice key, struct slice value, unsigned flags)
{
	MDB_val mdb_key = val_of(key);
	MDB_val mdb_value = val_of(value);
	txn->writes++;
	return kv_code_of(mdb_put(txn->mdb, dbi_of(txn, table), &mdb_key, &mdb_value, flags));
}

int kv_put(struct kv_txn *txn, unsigned table, struct slice key, struct slice value)
{
	return put(txn, table, key, value, 0);
}

int kv_append(struct kv_txn *txn, unsigned table, struct slice key, struct slice value)
{
	return put(txn, table, key, value, MDB_APPEND);
}

int kv_delete(struct kv_txn *txn, unsigned table, struct slice key)
{
	MDB_val mdb_key = val_of(key);
	txn->writes++;
	return kv_code_of(mdb_del(txn->mdb, dbi_of(txn, table), &mdb_key, NULL));
}

uint64_t kv_count(struct kv_txn *txn, unsigned table)
{
	MDB_stat st;
	return mdb_stat(txn->mdb, dbi_of(txn, table), &st) == 0 ? st.ms_entries : 0;
}

/* --- cursors ---------------------------------------------------------------------------------- */

int kv_cursor_open(struct kv_txn *txn, unsigned table, struct kv_cursor **out)
{
	MDB_cursor *mdb;
	int rc = mdb_cursor_open(txn->mdb, dbi_of(txn, table), &mdb);
	if (rc != 0)
		return kv_code_of(rc);
	struct kv_cursor *cursor = mem_new(sizeof(*cursor));
	*cursor = (struct kv_cursor){.txn = txn, .mdb = mdb};
	*out = cursor;
	return 0;
}

void kv_cursor_close(struct kv_cursor *cursor)
{
	if (cursor == NULL)
		return;
	mdb_cursor_close(cursor->mdb);
	free(cursor);
}

static int move(struct kv_cursor *cursor, struct slice key, MDB_cursor_op op, struct slice *out_key,
        struct slice *out_value)
{
	MDB_val mdb_key = val_of(key);
	MDB_val value;
	int rc = mdb_cursor_get(cursor->mdb, &mdb_key, &value, op);
	if (rc != 0)
		return kv_code_of(rc);
	*out_key = slice_of_val(mdb_key);
	*out_value = slice_of_val(value);
	return 0;
}

int kv_seek(
        struct kv_cursor *cursor, struct slice key, struct slice *out_key, struct slice *out_value)
{
	/* LMDB refuses the empty key, which is below every other. */
	return move(cursor, key, key.len ? MDB_SET_RANGE : MDB_FIRST, out_key, out_value);
}

int kv_first(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value)
{
	return move(cursor, slice_of(NULL, 0), MDB_FIRST, out_key, out_value);
}

int kv_last(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value)
{
	return move(cursor, slice_of(NULL, 0), MDB_LAST, out_key, out_value);
}

int kv_next(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value)
{
	return move(cursor, slice_of(NULL, 0), MDB_NEXT, out_key, out_value);
}

int kv_prev(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value)
{
	return move(cursor, slice_of(NULL, 0), MDB_PREV, out_key, out_value);
}

int kv_delete_here(struct kv_cursor *cursor)
{
	cursor->txn->writes++;
	return kv_code_of(mdb_cursor_del(cursor->mdb, 0));
}
