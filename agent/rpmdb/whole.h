/*
 * whole - a regular file for reading at any place: how long it was when it was opened, and whether
 * anybody wrote to it since.
 *
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_RPMDB_WHOLE_H
#define TSUJIBAN_AGENT_RPMDB_WHOLE_H

#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/base/err.h"

struct whole {
	const char *path; /* borrowed */
	int fd;
	struct stat seen;
};

int whole_open(const char *path, struct whole *out, struct reason *out_why);
void whole_close(struct whole *whole);
/* False: the file ends before. */
bool whole_read(const struct whole *whole, void *out, size_t len, uint64_t offset);
/* The same at the end of `out`. */
bool whole_append(const struct whole *whole, struct buf *out, size_t len, uint64_t offset);
/* ERR_BUSY: it was written to. */
int whole_check(const struct whole *whole, struct reason *out_why);

#endif
