/*
 * dpkg_watch - tells when something happens to dpkg's log, locks or database: inotify(7).
 *
 * By name in their directories, since all of them are replaced by rename; but for the log itself,
 * whose directory is written to all the time. A directory that is not there is asked for again
 * whenever something is told of another.
 *
 * Life     dpkg_watch_new -> the loop -> dpkg_watch_free.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_DPKG_WATCH_H
#define TSUJIBAN_AGENT_PACKAGES_DPKG_WATCH_H

#include "common/base/err.h"
#include "common/io/loop.h"

enum dpkg_sign {
	DPKG_LOGGED = 1 << 0,   /* the log has grown, or is another */
	DPKG_UNLOCKED = 1 << 1, /* somebody who may have held a lock closed it */
	DPKG_CHANGED = 1 << 2,  /* the status file, or a package's list of files or digests */
};

struct dpkg_watch;

/* `root`: "" or a directory without a trailing slash; borrowed. `seen` gets enum dpkg_sign bits. */
int dpkg_watch_new(struct loop *loop, const char *root, void (*seen)(void *ctx, unsigned signs),
        void *ctx, struct dpkg_watch **out, struct reason *out_why);
void dpkg_watch_free(struct dpkg_watch *watch);

#endif
