/*
 * merged_paths - one name for a path where /bin, /sbin, /lib and the like are links into /usr:
 * packages list "/lib/x" or "/usr/lib/x", and who asks has either.
 *
 * Thread   merged_paths_find: one; then any.
 */
#ifndef TSUJIBAN_AGENT_PKGDB_MERGED_PATHS_H
#define TSUJIBAN_AGENT_PKGDB_MERGED_PATHS_H

#include "common/base/buf.h"

#define MERGED_PATHS_MAX   9
#define MERGED_TARGET_SIZE 64

struct merged_paths {
	size_t count;
	struct merged_path {
		struct slice name;
		char target[MERGED_TARGET_SIZE]; /* where it leads to */
	} link[MERGED_PATHS_MAX];
};

/* Looks at the links in `root`. */
void merged_paths_find(struct merged_paths *merged, const char *root);
/* May return `path` itself; else it is written over `room` and lives there. */
struct slice merged_paths_one(
        const struct merged_paths *merged, struct slice path, struct buf *room);

#endif
