#include "common/store/kv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/mem.h"

#define LOCK_FILE_BYTES   32768      /* room for twice READERS_MAX */
#define NEARLY_FULL_BYTES (4u << 20) /* less is free: a short write was for want of room */
#define READERS_MAX       256
#define PATH_ROOM         4200
#define FREE_TABLE        0          /* LMDB's own */
#define PAGE_HEADER_BYTES 16         /* of a page that is one value, or its beginning */
#define NO_TABLE          UINT32_MAX /* LMDB answers EINVAL */

struct kv {
	MDB_env *env;
	MDB_dbi main; /* LMDB's own table: the names of the others */
	MDB_dbi table[KV_TABLE_MAX];
	size_t table_count;
	uint8_t *map; /* where LMDB has mapped the file; NULL when that could not be found out */
	size_t map_bytes;
};

struct kv_txn {
	struct kv *kv;
	MDB_txn *mdb;
};

struct kv_cursor {
	MDB_cursor *mdb;
};

static int code_of(int mdb_rc)
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

static int fail_open(struct reason *out_why, const char *dir, int mdb_rc)
{
	return fail(
	        out_why, code_of(mdb_rc), "cannot open store '%s': %s", dir, mdb_strerror(mdb_rc));
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

/* --- open and close --------------------------------------------------------------------------- */

static int open_tables(struct kv *kv, const char *const *tables, bool read_only)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(kv->env, NULL, read_only ? MDB_RDONLY : 0, &txn);
	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &kv->main);
	for (size_t i = 0; rc == 0 && tables[i] != NULL; i++) {
		assert(i < KV_TABLE_MAX);
		rc = mdb_dbi_open(txn, tables[i], read_only ? 0 : MDB_CREATE, &kv->table[i]);
		if (rc == MDB_NOTFOUND && read_only && i > 0) {
			kv->table[i] = NO_TABLE; /* an older version wrote the store */
			rc = 0;
		}
		kv->table_count = i + 1;
	}
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

/* LMDB reads through its map and trusts the file's length: a page behind the end of a file that
 * was cut short would be SIGBUS. Lengthened with zeros such a page is refused as corrupted. The
 * file may rightly be a little shorter than its last page number says: pages that were taken and
 * freed in one transaction are never written. */
static int lengthen_cut_file(struct kv *kv, const char *file)
{
	MDB_envinfo info;
	MDB_stat stat_env;
	struct stat st;
	mdb_env_info(kv->env, &info);
	mdb_env_stat(kv->env, &stat_env);
	off_t needed = (off_t)((info.me_last_pgno + 1) * stat_env.ms_psize);
	if (stat(file, &st) != 0)
		return errno;
	if (st.st_size >= needed || (size_t)needed > info.me_mapsize)
		return 0;
	return truncate(file, needed) == 0 ? 0 : errno;
}

static bool find_mapping(const void *inside, uint8_t **out_start)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	if (maps == NULL)
		return false;
	char line[PATH_ROOM];
	bool found = false;
	while (!found && fgets(line, sizeof(line), maps) != NULL) {
		/* "start-end rights …", in hex without 0x: proc(5) */
		char *dash;
		uintptr_t start = strtoull(line, &dash, 16), at = (uintptr_t)inside;
		if (*dash == '-' && at >= start && at < strtoull(dash + 1, NULL, 16)) {
			*out_start = (uint8_t *)inside - (at - start);
			found = true;
		}
	}
	fclose(maps);
	return found;
}

/* LMDB tells its map's address only for fixed maps; but the record of any table in the table of
 * tables lies within. Not finding it costs kv_release_pages, nothing else. */
static void find_map(struct kv *kv, const char *table)
{
	MDB_txn *txn;
	if (table == NULL || mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn) != 0)
		return;
	MDB_val key = val_of(slice_text(table));
	MDB_val value;
	MDB_envinfo info;
	if (mdb_get(txn, kv->main, &key, &value) == 0 && find_mapping(value.mv_data, &kv->map)) {
		mdb_env_info(kv->env, &info);
		kv->map_bytes = info.me_mapsize;
	}
	mdb_txn_abort(txn);
}

/* LMDB syncs its file, not the directory that a new file stands in. */
static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int rc = fsync(fd) == 0 ? 0 : errno;
	close(fd);
	return rc;
}

/* LMDB maps its lock file and writes through the map: on a full disk that is a SIGBUS. With its
 * blocks there before, it is an error of ours. */
static int reserve_lock_file(const char *dir)
{
	char file[PATH_ROOM];
	if ((size_t)snprintf(file, sizeof(file), "%s/lock.mdb", dir) >= sizeof(file))
		return ENAMETOOLONG;
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	int rc = posix_fallocate(fd, 0, LOCK_FILE_BYTES);
	close(fd);
	return rc;
}

static int open_env(struct kv *kv, const char *dir, size_t map_bytes, bool read_only)
{
	int dead;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int rc = mdb_env_create(&kv->env);
	if (rc != 0)
		return rc;
	rc = mdb_env_set_maxdbs(kv->env, KV_TABLE_MAX);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(kv->env, READERS_MAX);
	if (rc == 0)
		rc = mdb_env_set_mapsize(kv->env, (map_bytes + page - 1) / page * page);
	if (rc == 0 && !read_only)
		rc = reserve_lock_file(dir);
	/* Without MDB_NOTLS a thread could hold one read transaction only. */
	if (rc == 0)
		rc = mdb_env_open(
		        kv->env, dir, MDB_NOTLS | (read_only ? (unsigned)MDB_RDONLY : 0u), 0600);
	/* Readers that were killed would keep old pages from being used again. */
	if (rc == 0)
		rc = mdb_reader_check(kv->env, &dead);
	return rc;
}

int kv_open(const char *dir, const char *const *tables, size_t map_bytes, bool read_only,
        struct kv **out, struct reason *out_why)
{
	char file[PATH_ROOM];
	if ((size_t)snprintf(file, sizeof(file), "%s/data.mdb", dir) >= sizeof(file))
		return fail_open(out_why, dir, ENAMETOOLONG);
	/* LMDB would leave a lock file behind where there is no store. */
	struct stat st;
	if (read_only && stat(file, &st) != 0)
		return fail(out_why, errno == ENOENT ? ERR_MISSING : -errno,
		        "cannot open store '%s': %s", dir, err_text(-errno));

	struct kv *kv = mem_new(sizeof(*kv));
	int rc = open_env(kv, dir, map_bytes, read_only);
	if (rc == 0 && !read_only)
		rc = lengthen_cut_file(kv, file);
	if (rc == 0)
		rc = open_tables(kv, tables, read_only);
	if (rc == 0 && !read_only)
		rc = sync_dir(dir);
	/* An empty file, or one without the tables, is a store that its writer has not made yet. */
	if (read_only && (rc == ENOENT || rc == MDB_NOTFOUND)) {
		kv_close(kv);
		return fail(
		        out_why, ERR_MISSING, "cannot open store '%s': it has no tables yet", dir);
	}
	if (rc != 0) {
		kv_close(kv);
		return fail_open(out_why, dir, rc);
	}
	find_map(kv, tables[0]);
	*out = kv;
	return 0;
}

void kv_close(struct kv *kv)
{
	if (kv == NULL)
		return;
	mdb_env_close(kv->env);
	free(kv);
}

void kv_release_pages(struct kv *kv)
{
	/* The map is shared and read-only: its pages stay in the page cache, and a reader in
	 * another thread only faults them in again. */
	if (kv->map != NULL)
		madvise(kv->map, kv->map_bytes, MADV_DONTNEED);
}

static uint64_t table_bytes(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_stat st;
	if (mdb_stat(txn, dbi, &st) != 0)
		return 0;
	return (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages) * st.ms_psize;
}

uint64_t kv_size(struct kv *kv)
{
	struct kv_txn *txn = NULL;
	kv_begin_read(kv, &txn);
	if (!txn)
		return 0;
	uint64_t bytes = table_bytes(txn->mdb, kv->main);
	for (size_t i = 0; i < kv->table_count; i++)
		bytes += table_bytes(txn->mdb, kv->table[i]);
	kv_abort(txn);
	return bytes;
}

/* LMDB keeps their numbers in its first table: behind each transaction's number a list that begins
 * with its length (as mdb_stat(1) reads it). */
uint64_t kv_free_pages(struct kv *kv)
{
	struct kv_txn *txn = NULL;
	MDB_cursor *cursor;
	MDB_val key, list;
	uint64_t pages = 0;
	if (kv_begin_read(kv, &txn) < 0 || !txn)
		return 0;
	if (mdb_cursor_open(txn->mdb, FREE_TABLE, &cursor) == 0) {
		while (mdb_cursor_get(cursor, &key, &list, MDB_NEXT) == 0) {
			size_t count = 0;
			if (list.mv_size >= sizeof(count))
				memcpy(&count, list.mv_data, sizeof(count));
			pages += count;
		}
		mdb_cursor_close(cursor);
	}
	kv_abort(txn);
	return pages;
}

size_t kv_page_value_bytes(struct kv *kv)
{
	MDB_stat info;
	mdb_env_stat(kv->env, &info);
	return info.ms_psize - PAGE_HEADER_BYTES;
}

/* --- transactions ----------------------------------------------------------------------------- */

static int begin(struct kv *kv, struct kv_txn *parent, unsigned flags, struct kv_txn **out)
{
	MDB_txn *mdb;
	int dead;
	int rc = mdb_txn_begin(kv->env, parent ? parent->mdb : NULL, flags, &mdb);
	if (rc == MDB_READERS_FULL && mdb_reader_check(kv->env, &dead) == 0 && dead > 0)
		rc = mdb_txn_begin(kv->env, NULL, flags, &mdb);
	if (rc != 0)
		return code_of(rc);
	struct kv_txn *txn = mem_new(sizeof(*txn));
	txn->kv = kv;
	txn->mdb = mdb;
	*out = txn;
	return 0;
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
	free(txn);
	return code_of(rc == EIO && is_disk_full(env) ? ENOSPC : rc);
}

void kv_abort(struct kv_txn *txn)
{
	if (txn == NULL)
		return;
	mdb_txn_abort(txn->mdb);
	free(txn);
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
	return code_of(rc);
}

static int put(
        struct kv_txn *txn, unsigned table, struct slice key, struct slice value, unsigned flags)
{
	MDB_val mdb_key = val_of(key);
	MDB_val mdb_value = val_of(value);
	return code_of(mdb_put(txn->mdb, dbi_of(txn, table), &mdb_key, &mdb_value, flags));
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
	return code_of(mdb_del(txn->mdb, dbi_of(txn, table), &mdb_key, NULL));
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
		return code_of(rc);
	struct kv_cursor *cursor = mem_new(sizeof(*cursor));
	cursor->mdb = mdb;
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
		return code_of(rc);
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
	return code_of(mdb_cursor_del(cursor->mdb, 0));
}
