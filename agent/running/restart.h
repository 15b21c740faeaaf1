/*
 * restart - which processes still run what is not on disk any more.
 *
 * A file that a process executes or has mapped as code is out of date when its name was deleted
 * (proc_pid_exe(5), proc_pid_maps(5)), or when another file has its name: a mapping tells its
 * inode and device. Left alone:
 *
 *   threads of the kernel, and the asking process itself
 *   what restart_path.h ignores
 *   another inode on overlayfs, and another device where one of both is made up (major 0: btrfs,
 *   overlayfs): mappings tell those of the layer beneath
 *   a file that is not there by that name: software was taken away, nothing newer waits
 *   processes with another root directory that no container is known of: a sandbox of their own
 *
 * Paths are those of the process's mount namespace; a service's own one (PrivateTmp) has the host's
 * files all the same.
 *
 * Errors   a process may end at any time: it is passed over. One that may not be looked at is
 *          counted.
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_RESTART_H
#define TSUJIBAN_AGENT_RUNNING_RESTART_H

#include "common/base/err.h"
#include "common/base/slice.h"

/* Borrowed for the call. */
struct restart_finding {
	struct slice unit;      /* proc_cgroup.h; empty: none */
	struct slice container; /* the same */
	struct slice exe;
	struct slice file;
	bool is_executable; /* the program itself */
	uint64_t since_s;   /* when the process started, since 1970; 0: not known */
};

/* One may be told several times. A negative answer of `found` ends it and is returned. ERR_MISSING:
 * there is no /proc. */
int restart_scan(const char *root, int (*found)(void *ctx, const struct restart_finding *finding),
        void *ctx, size_t *out_denied, struct reason *out_why);

#endif
