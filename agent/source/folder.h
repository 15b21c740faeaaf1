/*
 * folder - the many small files of one directory, read one after the other: package databases that
 * are kept that way.
 *
 *	folder_open("/", "/var/lib/dpkg/info", &folder, &why);
 *	while ((rc = folder_next(&folder, &name, &why)) > 0)
 *		folder_read(&folder, name, LIMIT, &text, &why);
 *	folder_close(&folder);
 *
 * Owner    folder_close closes the directory; names live until the next folder_next.
 * Errors   ERR_MISSING: it is not there (any more); ERR_LIMIT: more names or bytes than the cap;
 *          else what the system said.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_SOURCE_FOLDER_H
#define TSUJIBAN_AGENT_SOURCE_FOLDER_H

#include <dirent.h>

#include "common/base/buf.h"
#include "common/base/err.h"

#define FOLDER_NAMES_MAX 1000000u

struct folder {
	DIR *dir;
	const char *path; /* borrowed, without the root: for messages */
	size_t names;
};

int folder_open(const char *root, const char *path, struct folder *out, struct reason *out_why);
/* 1: a name that does not begin with a dot, in whatever order; 0: there are no more. */
int folder_next(struct folder *folder, const char **out_name, struct reason *out_why);
/* Writes the content of the regular file over `out`; `name` may lead through directories. Neither
 * a link at its end is followed nor is anything waited for. */
int folder_read(const struct folder *folder, const char *name, size_t limit_bytes, struct buf *out,
        struct reason *out_why);
/* When the file was written to last, in seconds. */
int folder_mtime(const struct folder *folder, const char *name, int64_t *out_s);
/* Also one that was not opened. */
void folder_close(struct folder *folder);

/* Of "bash.list" and ".list" it is "bash"; false: it has another ending, or nothing before it. */
bool folder_stem(const char *name, const char *ending, struct slice *out_stem);

#endif
