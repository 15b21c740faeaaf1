/*
 * merged - one name for a path on systems where /bin, /lib and the like are links into /usr:
 * packages list "/lib/x" or "/usr/lib/x", events have either.
 *
 * Thread   merged_find: one; then any.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_MERGED_H
#define TSUJIBAN_AGENT_PACKAGES_MERGED_H

#include "agent/packages/keys.h"

#define MERGED_COUNT    7
#define MERGED_PATH_MAX 4096

struct merged {
	char target[MERGED_COUNT][64]; /* where it leads to; "": no link */
};

/* Looks at the links in `root` ("" or a directory without a trailing slash). */
void merged_find(struct merged *merged, const char *root);
/* May return `path` itself. Absent when it is too long. */
struct slice merged_canonical(
        const struct merged *merged, struct slice path, uint8_t room[MERGED_PATH_MAX]);
uint64_t merged_key(const struct merged *merged, struct slice path);

#endif
