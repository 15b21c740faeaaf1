/*
 * kernels - the kernel that runs on a host, and those that are installed.
 *
 * The running one is what uname(2) says, the installed ones are packages (kernel_release.h) and
 * images /boot/vmlinuz-RELEASE that no package has put there. A package's version tells apart what
 * the release does not: Debian keeps the release over updates.
 *
 * Owner    the caller's arena.
 * Errors   those of the package databases; ERR_LIMIT when the arena is full. A database that is
 *          not there has no kernels.
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_KERNELS_H
#define TSUJIBAN_AGENT_RUNNING_KERNELS_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/slice.h"

/* Without a package: manager, version and package are absent. */
struct kernel {
	struct slice release;
	struct slice version; /* of the package */
	struct slice package; /* its name */
	struct slice manager; /* "dpkg", "rpm", … */
};

struct kernels {
	struct arena *arena;
	bool has_running; /* not in a root that is none of a running system */
	struct kernel running;
	struct kernel *installed;
	size_t count, room;
	bool is_unsure; /* there may be more: a database could be read in part only (out_why) */
};

int kernels_read(
        const char *root, struct arena *arena, struct kernels *out, struct reason *out_why);

/* The installed kernel of this release; NULL: none. */
const struct kernel *kernels_find(const struct kernels *kernels, struct slice release);
/* The newest of the installed ones in the order of its distribution, NULL without any. Where
 * packages of several builds stand side by side (rpm, apk), those of the running build count: the
 * others are not started by themselves. */
const struct kernel *kernels_newest(const struct kernels *kernels);
/* In the same order: negative, 0, positive. */
int kernel_compare(const struct kernel *a, const struct kernel *b);

#endif
