/* A temporary directory with files and a state of its own, for tests that compare the two. */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_FIM_SCRATCH_H
#define TSUJIBAN_TESTS_UNIT_AGENT_FIM_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/state/baseline.h"
#include "agent/state/state.h"
#include "common/base/clock.h"

struct scratch {
	char dir[64];  /* holds m (watched) and s (the state) */
	char root[80]; /* DIR/m */
	struct state *state;
};

static inline int scratch_remove_one(
        const char *path, const struct stat *info, int flag, struct FTW *walk)
{
	(void)info, (void)flag, (void)walk;
	return remove(path);
}

static inline bool scratch_init(struct scratch *scratch)
{
	struct state_limits limits = {.spool_bytes = 64u << 20, .map_bytes = 256u << 20};
	char state_dir[80];
	strcpy(scratch->dir, "/tmp/test-fim-XXXXXX");
	if (!mkdtemp(scratch->dir))
		return false;
	snprintf(scratch->root, sizeof(scratch->root), "%s/m", scratch->dir);
	snprintf(state_dir, sizeof(state_dir), "%s/s", scratch->dir);
	return mkdir(scratch->root, 0755) == 0 && mkdir(state_dir, 0700) == 0 &&
	       state_open(state_dir, &limits, &scratch->state, NULL) == 0;
}

static inline void scratch_fini(struct scratch *scratch)
{
	state_close(scratch->state);
	nftw(scratch->dir, scratch_remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* "m/a/b" below the scratch directory; good for the next seven calls. */
static inline const char *scratch_path(const struct scratch *scratch, const char *name)
{
	static char path[8][640];
	static unsigned turn;
	char *out = path[turn++ % 8];
	snprintf(out, sizeof(path[0]), "%s/%s", scratch->dir, name);
	return out;
}

static inline bool scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
	int fd = open(scratch_path(scratch, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool is_fine = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return is_fine;
}

static inline bool scratch_mkdir(const struct scratch *scratch, const char *name)
{
	return mkdir(scratch_path(scratch, name), 0755) == 0;
}

static inline int64_t scratch_ns(struct timespec time)
{
	return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

/* Writes to the baseline what is on disk now; with `is_absent` a file that is not there. */
static inline bool scratch_know(const struct scratch *scratch, const char *name, bool is_absent)
{
	struct slice path = slice_text(scratch_path(scratch, name));
	struct filestate state = {.type = FILE_REGULAR, .hash = HASH_DONE};
	struct stat info;
	if (!is_absent) {
		if (lstat((const char *)path.ptr, &info) < 0)
			return false;
		state = (struct filestate){
		        .type = S_ISDIR(info.st_mode)   ? FILE_DIRECTORY
		                : S_ISLNK(info.st_mode) ? FILE_SYMLINK
		                                        : FILE_REGULAR,
		        .hash = S_ISREG(info.st_mode) ? HASH_DONE : HASH_NONE,
		        .mode = info.st_mode & 07777,
		        .uid = info.st_uid,
		        .gid = info.st_gid,
		        .size = (uint64_t)info.st_size,
		        .mtime_ns = scratch_ns(info.st_mtim),
		        .ctime_ns = scratch_ns(info.st_ctim),
		        .inode = info.st_ino,
		        .device = info.st_dev,
		};
	}
	struct state_txn *txn = NULL;
	return state_begin(scratch->state, &txn, NULL) == 0 &&
	       baseline_put(txn, path, &state) == 0 && state_commit(txn, NULL) == 0;
}

#endif
