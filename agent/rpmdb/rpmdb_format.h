/*
 * rpmdb_format - the three forms in which rpm keeps the headers of what is installed.
 *
 * Each reads the file at `path` and calls `each` with the number and the bytes of every header, in
 * whatever order they stand; the bytes live until it returns, and less than 0 from it ends the
 * reading and is returned.
 *
 * Errors   as rpmdb.h.
 * Thread   any; no state.
 * Source   rpmdb_sqlite: rpm's lib/backend/sqlite.c. rpmdb_ndb: rpm's lib/backend/ndb/rpmpkg.c.
 *          rpmdb_bdb: Berkeley DB's dbinc/db_page.h, as in its "hash" access method.
 */
#ifndef TSUJIBAN_AGENT_RPMDB_RPMDB_FORMAT_H
#define TSUJIBAN_AGENT_RPMDB_RPMDB_FORMAT_H

#include "agent/rpmdb/rpmdb.h"

#define RPMDB_HEADER_MAX (RPM_DATA_MAX + 16 * RPM_ENTRIES_MAX + 8)

typedef int rpmdb_blob(void *ctx, uint32_t number, struct slice bytes);

int rpmdb_sqlite_each(const char *path, rpmdb_blob *each, void *ctx, struct reason *out_why);
int rpmdb_ndb_each(const char *path, rpmdb_blob *each, void *ctx, struct reason *out_why);
int rpmdb_bdb_each(const char *path, rpmdb_blob *each, void *ctx, struct reason *out_why);

#endif
