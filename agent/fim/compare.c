#include "agent/fim/compare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/fim/copier.h"
#include "agent/fim/footing.h"
#include "agent/fim/listing.h"
#include "agent/fim/statted.h"
#include "agent/state/baseline.h"
#include "common/base/mem.h"

/* What linux/magic.h of Debian 12 lacks, from the kernel's file systems. */
#define MQUEUE_MAGIC     0x19800202
#define CONFIGFS_MAGIC   0x62656570
#define FUSECTL_MAGIC    0x65735543
#define RPC_PIPEFS_MAGIC 0x67596969

struct comparer {
	const struct filter *filter;
	struct listing listing;
	struct buf path; /* of the entry at hand; the directory's part stays */
	size_t dir_len;
	struct touch *touch;
	size_t touch_count, touch_room;
	struct slice *subdir;
	size_t subdir_count, subdir_room;
};

/* One run: what its steps share. */
struct run {
	struct comparer *comparer;
	const struct compare_request *request;
	struct arena *arena;
	struct filter_dir filter;
	struct kv_txn *txn;
	int fd;
	dev_t device;
	uint64_t too_long;
	bool is_full; /* the arena is */
};

struct comparer *comparer_new(const struct filter *filter)
{
	struct comparer *comparer = mem_new(sizeof(*comparer));
	comparer->filter = filter;
	return comparer;
}

void comparer_free(struct comparer *comparer)
{
	if (!comparer)
		return;
	listing_fini(&comparer->listing);
	buf_fini(&comparer->path);
	free(comparer->touch);
	free(comparer->subdir);
	free(comparer);
}

bool is_pseudo_fs(const char *path)
{
	struct statfs info;
	if (statfs(path, &info) < 0)
		return false;
	switch ((unsigned long)info.f_type) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
	case SELINUX_MAGIC:
	case SMACK_MAGIC:
	case BPF_FS_MAGIC:
	case PSTOREFS_MAGIC:
	case EFIVARFS_MAGIC:
	case DEVPTS_SUPER_MAGIC:
	case AUTOFS_SUPER_MAGIC:
	case BINFMTFS_MAGIC:
	case NSFS_MAGIC:
	case MQUEUE_MAGIC:
	case CONFIGFS_MAGIC:
	case FUSECTL_MAGIC:
	case RPC_PIPEFS_MAGIC:
		return true;
	default:
		return false;
	}
}

/* --- states ----------------------------------------------------------------------------------- */

static bool stands(const struct filestate *known, const struct stat *info)
{
	struct filestate seen = statted_state(info);
	return filestate_stands(known, &seen);
}

/* --- results ---------------------------------------------------------------------------------- */

static struct slice path_of(struct comparer *comparer, struct slice name)
{
	comparer->path.len = comparer->dir_len;
	buf_append(&comparer->path, name.ptr, name.len);
	buf_text(&comparer->path);
	return buf_slice(&comparer->path);
}

static void touch(struct run *run, struct slice path, unsigned hints)
{
	struct comparer *comparer = run->comparer;
	if (comparer->touch_count == comparer->touch_room) {
		comparer->touch_room = comparer->touch_room ? comparer->touch_room * 2 : 64;
		comparer->touch = mem_resize(
		        comparer->touch, comparer->touch_room * sizeof(*comparer->touch));
	}
	struct slice copy = arena_copy(run->arena, path);
	if (!copy.ptr) {
		run->is_full = true;
		return;
	}
	comparer->touch[comparer->touch_count++] = (struct touch){
	        .path = copy, .hints = hints | TOUCH_DONE, .cause = run->request->cause};
}

static void descend(struct run *run, struct slice path)
{
	struct comparer *comparer = run->comparer;
	if (comparer->subdir_count == comparer->subdir_room) {
		comparer->subdir_room = comparer->subdir_room ? comparer->subdir_room * 2 : 16;
		comparer->subdir = mem_resize(
		        comparer->subdir, comparer->subdir_room * sizeof(*comparer->subdir));
	}
	struct slice copy = arena_copy(run->arena, path);
	if (!copy.ptr) {
		run->is_full = true;
		return;
	}
	comparer->subdir[comparer->subdir_count++] = copy;
}

/* --- one entry -------------------------------------------------------------------------------- */

static int stat_entry(const struct run *run, struct slice name, struct stat *out)
{
	return fstatat(run->fd, (const char *)name.ptr, out, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);
}

static void consider_descent(struct run *run, struct slice path, const struct stat *info)
{
	if (!filter_descends(run->comparer->filter, path))
		return;
	if (info->st_dev != run->device && is_pseudo_fs((const char *)path.ptr))
		return;
	descend(run, path);
}

static unsigned directory_hint(bool is_directory)
{
	return is_directory ? TOUCH_DIRECTORY : 0;
}

static unsigned listed_hint(uint8_t listed_type, const struct filestate *known)
{
	return listed_type == DT_REG && !known ? TOUCH_LISTED : 0;
}

/* Nobody goes on with what is below: a directory that is not known has to be listed by itself. */
static unsigned relist_hint(
        const struct run *run, const struct filestate *known, const struct stat *info)
{
	bool is_same = known && known->type == FILE_DIRECTORY && known->inode == info->st_ino;
	return run->request->entries_only && S_ISDIR(info->st_mode) && !is_same ? TOUCH_RELIST : 0;
}

static void take_absent(struct run *run, struct slice name, const struct filestate *known)
{
	bool was_directory = known->type == FILE_DIRECTORY;
	struct slice path = path_of(run->comparer, name);
	bool is_covered = filter_dir_covers(&run->filter, path, was_directory);
	touch(run, path, directory_hint(was_directory) | (is_covered ? TOUCH_GONE : TOUCH_RETIRE));
}

/* `known` is NULL for what the baseline does not know. `name` ends with a NUL byte. */
static void take_present(
        struct run *run, struct slice name, uint8_t listed_type, const struct filestate *known)
{
	struct comparer *comparer = run->comparer;
	struct slice path = path_of(comparer, name);
	if (path.len >= PATH_MAX) {
		run->too_long++;
		return;
	}
	struct stat info = {0};
	bool is_directory = listed_type == DT_DIR;
	if (known || is_directory || listed_type == DT_UNKNOWN) {
		if (stat_entry(run, name, &info) < 0) {
			if (known)
				take_absent(run, name, known);
			return; /* gone since it was listed; the watch tells */
		}
		is_directory = S_ISDIR(info.st_mode);
	}
	bool is_covered = filter_dir_covers(&run->filter, path, is_directory);
	bool was_directory = known && known->type == FILE_DIRECTORY;
	if (is_covered && (!known || !stands(known, &info)))
		touch(run, path,
		        directory_hint(is_directory || was_directory) |
		                listed_hint(listed_type, known) | relist_hint(run, known, &info));
	else if (!is_covered && known)
		touch(run, path, directory_hint(was_directory) | TOUCH_RETIRE);
	else if (known && copier_lacks(comparer->filter, run->txn, path, known))
		touch(run, path, TOUCH_REREAD);
	if (is_directory)
		consider_descent(run, path, &info);
}

/* --- the merge -------------------------------------------------------------------------------- */

static bool is_enough(const struct run *run)
{
	size_t most = run->request->most_results;
	return most > 0 && run->comparer->touch_count + run->comparer->subdir_count >= most;
}

static int next_known(struct run *run, struct baseline_entries *entries, struct slice *out_name,
        struct filestate *out)
{
	struct slice after = run->request->after;
	int rc = 0;
	do
		rc = baseline_entries_next(entries, out_name, out);
	while (rc == 0 && after.ptr && slice_compare(*out_name, after) <= 0);
	return rc;
}

static size_t first_listed(const struct run *run)
{
	const struct listing *listing = &run->comparer->listing;
	size_t at = 0;
	if (run->request->after.ptr)
		while (at < listing->count &&
		        slice_compare(listing_name(listing, at), run->request->after) <= 0)
			at++;
	return at;
}

/* Below 0: the listed name comes first; 0: both are the same; above: the known one. */
static int order_of(bool has_listed, struct slice listed, bool has_known, struct slice known)
{
	if (!has_known)
		return -1;
	return has_listed ? slice_compare(listed, known) : 1;
}

/* Returns 1 when it stopped early, behind *out_last. */
static int merge(struct run *run, struct baseline_entries *entries, struct slice *out_last)
{
	const struct listing *listing = &run->comparer->listing;
	size_t at = first_listed(run);
	struct slice known_name = {0};
	struct filestate known;
	int rc = next_known(run, entries, &known_name, &known);
	while (rc == 0 || (rc == ERR_MISSING && at < listing->count)) {
		bool has_listed = at < listing->count;
		struct slice name = has_listed ? listing_name(listing, at) : known_name;
		int order = order_of(has_listed, name, rc == 0, known_name);
		if (order > 0)
			take_absent(run, known_name, &known);
		else
			take_present(run, name, listing->entry[at++].type, order ? NULL : &known);
		if (run->is_full)
			return ERR_LIMIT;
		*out_last = order > 0 ? known_name : name;
		if (is_enough(run))
			return 1;
		if (order >= 0)
			rc = next_known(run, entries, &known_name, &known);
	}
	return rc == ERR_MISSING ? 0 : rc;
}

/* --- one directory ---------------------------------------------------------------------------- */

/* O_NOATIME is for the owner and for CAP_FOWNER only. */
static int open_dir(const char *path)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = open(path, flags | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

static int compare_self(struct run *run, struct kv_txn *txn, const struct stat *info)
{
	struct slice dir = run->request->dir;
	struct filestate known;
	if (!filter_covers(run->comparer->filter, dir, true))
		return 0;
	int rc = baseline_get(txn, dir, &known);
	if (rc < 0 && rc != ERR_MISSING)
		return rc;
	if (rc < 0 || !stands(&known, info))
		touch(run, dir, TOUCH_DIRECTORY);
	return 0;
}

static int compare_entries(struct run *run, struct kv_txn *txn, struct slice *out_after)
{
	struct baseline_entries *entries = NULL;
	struct slice last = {0};
	int rc = listing_read(&run->comparer->listing, run->fd);
	if (rc < 0)
		return rc;
	rc = baseline_entries_open(txn, run->request->dir, &entries);
	if (rc < 0)
		return rc;
	rc = merge(run, entries, &last);
	if (rc == 1) {
		*out_after = arena_copy(run->arena, last);
		rc = out_after->ptr ? 0 : ERR_LIMIT;
	}
	baseline_entries_close(entries);
	return rc;
}

static int hand_out(struct run *run, struct slice after, struct compared *out)
{
	struct comparer *comparer = run->comparer;
	size_t touch_bytes = comparer->touch_count * sizeof(*comparer->touch);
	size_t subdir_bytes = comparer->subdir_count * sizeof(*comparer->subdir);
	void *subdirs = arena_alloc(run->arena, subdir_bytes + 1);
	void *touches = arena_alloc(run->arena, touch_bytes + 1);
	if (!subdirs || !touches)
		return ERR_LIMIT;
	if (touch_bytes)
		memcpy(touches, comparer->touch, touch_bytes);
	if (subdir_bytes)
		memcpy(subdirs, comparer->subdir, subdir_bytes);
	*out = (struct compared){
	        .touch = touches,
	        .touch_count = comparer->touch_count,
	        .subdir = subdirs,
	        .subdir_count = comparer->subdir_count,
	        .after = after,
	        .entries = comparer->listing.count,
	        .too_long = run->too_long,
	};
	return 0;
}

int comparer_run(struct comparer *comparer, struct kv_txn *txn,
        const struct compare_request *request, struct arena *arena, struct compared *out)
{
	struct run run = {.comparer = comparer, .request = request, .arena = arena, .txn = txn};
	struct slice dir = request->dir, after = {0};
	comparer->touch_count = comparer->subdir_count = 0;
	buf_reset(&comparer->path);
	buf_append_slice(&comparer->path, dir);
	run.fd = open_dir(buf_text(&comparer->path));
	if (run.fd < 0)
		return run.fd;
	if (!footing_is_direct(comparer->filter, buf_text(&comparer->path), run.fd)) {
		close(run.fd);
		return -ESTALE;
	}
	if (dir.len > 1)
		buf_append_byte(&comparer->path, '/');
	comparer->dir_len = comparer->path.len;
	run.filter = filter_in(comparer->filter, dir);
	struct stat info;
	int rc = fstat(run.fd, &info) < 0 ? -errno : 0;
	if (rc == 0) {
		run.device = info.st_dev;
		if (request->with_self && !request->after.ptr)
			rc = compare_self(&run, txn, &info);
	}
	if (rc == 0)
		rc = compare_entries(&run, txn, &after);
	close(run.fd);
	return rc < 0 ? rc : hand_out(&run, after, out);
}
