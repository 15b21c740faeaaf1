#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/store/kv_private.h"

#define LOCK_FILE_BYTES   32768 /* room for twice READERS_MAX */
#define READERS_MAX       256
#define PATH_ROOM         4200
#define FREE_TABLE        0          /* LMDB's own */
#define PAGE_HEADER_BYTES 16         /* of a page that is one value, or its beginning */
#define NO_TABLE          UINT32_MAX /* LMDB answers EINVAL */
#define MANY_WRITES       128 /* in one transaction: as many pages may stay as buffers, 512 KiB */

static int fail_open(struct reason *out_why, const char *dir, int mdb_rc)
{
	return fail(out_why, kv_code_of(mdb_rc), "cannot open store '%s': %s", dir,
	        mdb_strerror(mdb_rc));
}

/* --- open and close --------------------------------------------------------------------------- */

static int open_tables(struct kv *kv, bool makes_them)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(kv->env, NULL, makes_them ? 0 : MDB_RDONLY, &txn);
	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &kv->main);
	for (size_t i = 0; rc == 0 && i < kv->table_count; i++) {
		const char *name = kv->table_name[i];
		rc = mdb_dbi_open(txn, name, makes_them ? MDB_CREATE : 0, &kv->table[i]);
		if (rc == MDB_NOTFOUND && !makes_them && i > 0) {
			kv->table[i] = NO_TABLE; /* an older version wrote the store */
			rc = 0;
		}
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
static void find_map(struct kv *kv)
{
	MDB_txn *txn;
	const char *table = kv->table_name[0];
	kv->map = NULL;
	if (table == NULL || mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn) != 0)
		return;
	MDB_val key = {.mv_size = strlen(table), .mv_data = (void *)table}, value;
	if (mdb_get(txn, kv->main, &key, &value) == 0 && !find_mapping(value.mv_data, &kv->map))
		kv->map = NULL;
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

static int open_env(struct kv *kv)
{
	int dead;
	int rc = mdb_env_create(&kv->env);
	if (rc != 0)
		return rc;
	rc = mdb_env_set_maxdbs(kv->env, KV_TABLE_MAX);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(kv->env, READERS_MAX);
	if (rc == 0)
		rc = mdb_env_set_mapsize(kv->env, kv->map_bytes);
	if (rc == 0 && !kv->is_read_only)
		rc = reserve_lock_file(kv->dir);
	/* Without MDB_NOTLS a thread could hold one read transaction only. */
	if (rc == 0)
		rc = mdb_env_open(kv->env, kv->dir,
		        MDB_NOTLS | (kv->is_read_only ? (unsigned)MDB_RDONLY : 0u), 0600);
	/* Readers that were killed would keep old pages from being used again. */
	if (rc == 0)
		rc = mdb_reader_check(kv->env, &dead);
	return rc;
}

static struct kv *kv_alloc(
        const char *dir, const char *const *tables, size_t map_bytes, bool read_only)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct kv *kv = mem_new(sizeof(*kv));
	kv->dir = mem_copy_text(dir, strlen(dir));
	kv->map_bytes = (map_bytes + page - 1) / page * page;
	kv->is_read_only = read_only;
	for (; tables[kv->table_count] != NULL; kv->table_count++) {
		assert(kv->table_count < KV_TABLE_MAX);
		kv->table_name[kv->table_count] = tables[kv->table_count];
	}
	pthread_mutex_init(&kv->users, NULL);
	return kv;
}

static void remember_page_bytes(struct kv *kv)
{
	MDB_stat info;
	mdb_env_stat(kv->env, &info);
	kv->page_bytes = info.ms_psize;
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

	struct kv *kv = kv_alloc(dir, tables, map_bytes, read_only);
	int rc = open_env(kv);
	if (rc == 0 && !read_only)
		rc = lengthen_cut_file(kv, file);
	if (rc == 0)
		rc = open_tables(kv, !read_only);
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
	remember_page_bytes(kv);
	find_map(kv);
	*out = kv;
	return 0;
}

void kv_close(struct kv *kv)
{
	if (kv == NULL)
		return;
	mdb_env_close(kv->env);
	pthread_mutex_destroy(&kv->users);
	free(kv->dir);
	free(kv);
}

/* --- at rest ---------------------------------------------------------------------------------- */

static void close_env(struct kv *kv)
{
	mdb_env_close(kv->env);
	kv->env = NULL;
	kv->map = NULL;
}

static int open_anew(struct kv *kv)
{
	int rc = open_env(kv);
	if (rc == 0)
		rc = open_tables(kv, false);
	if (rc == 0)
		find_map(kv);
	else
		close_env(kv);
	return rc;
}

int kv_enter(struct kv *kv)
{
	pthread_mutex_lock(&kv->users);
	int rc = kv->env ? 0 : open_anew(kv);
	if (rc == 0)
		kv->transactions++;
	pthread_mutex_unlock(&kv->users);
	return rc;
}

void kv_leave(struct kv *kv, unsigned writes)
{
	pthread_mutex_lock(&kv->users);
	kv->transactions--;
	kv->is_swollen |= writes >= MANY_WRITES;
	pthread_mutex_unlock(&kv->users);
}

static void release_pages(struct kv *kv)
{
	/* The map is shared and read-only: its pages stay in the page cache, and a reader in
	 * another thread only faults them in again. */
	if (kv->map != NULL)
		madvise(kv->map, kv->map_bytes, MADV_DONTNEED);
}

void kv_release_pages(struct kv *kv)
{
	pthread_mutex_lock(&kv->users);
	release_pages(kv);
	pthread_mutex_unlock(&kv->users);
}

/* LMDB keeps the page buffers of the largest transaction that it has seen for as long as it is
 * open. */
void kv_rest(struct kv *kv)
{
	pthread_mutex_lock(&kv->users);
	if (kv->is_swollen && kv->transactions == 0) {
		kv->is_swollen = false;
		close_env(kv);
		open_anew(kv); /* if it cannot be now, the next transaction says why */
	} else {
		release_pages(kv);
	}
	pthread_mutex_unlock(&kv->users);
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
	return kv->page_bytes - PAGE_HEADER_BYTES;
}
