/*
 * hostfile - files, links and directories of the host that is read, found as the host itself would
 * find them: below a root other than "/" a link leads to what it means there, never out of it.
 *
 * Whoever may write a file that is read here must not be able to stop the reading: no FIFO is
 * waited for, and a file that is too long is cut instead of refused.
 *
 * Errors   -errno. Whether it is a complaint: hostfile_is_complaint.
 * Thread   any; no state; blocks.
 */
#ifndef TSUJIBAN_AGENT_SOURCE_HOSTFILE_H
#define TSUJIBAN_AGENT_SOURCE_HOSTFILE_H

#include <sys/stat.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

#define HOSTFILE_NAMES_MAX 16384 /* of one directory; what is beyond is not looked at */

struct host_names {
	const char **name; /* in byte order */
	size_t count;
};

/* Writes the first `most_bytes` of a regular file over `out`. -EINVAL: not a regular file. */
int hostfile_read_bytes(const char *root, const char *path, size_t most_bytes, struct buf *out);
/* The same of a text: a line that was cut at the end is left out. */
int hostfile_read(const char *root, const char *path, size_t most_bytes, struct buf *out);
/* The same, and without spaces around; empty where it cannot be read. */
struct slice hostfile_value(const char *root, const char *path, struct buf *out);
/* Writes what the link says over `out`; -EINVAL: not a link. */
int hostfile_link(const char *root, const char *path, struct buf *out);
/* Links are followed. */
int hostfile_stat(const char *root, const char *path, struct stat *out);
/* Without "." and "..". Absent directories: -ENOENT and no names. */
int hostfile_list(const char *root, const char *dir, struct arena *arena, struct host_names *out);

/* Not that it is not there, and not that an agent which is not root may not read it. */
bool hostfile_is_complaint(int rc);
/* The sentence of a complaint; returns `rc`. */
int hostfile_complain(int rc, const char *path, struct reason *out_why);
/* Of one file among several: what is a complaint leaves the reading partial, and only ERR_LIMIT is
 * passed on. */
int hostfile_note(int rc, const char *path, bool *is_partial, struct reason *out_why);

#endif
