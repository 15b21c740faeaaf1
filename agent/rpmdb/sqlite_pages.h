/*
 * sqlite_pages - the pages of an SQLite database as of its last commit, read without SQLite: from
 * the database, and from its write-ahead log for pages that were committed there and not copied.
 *
 * Nothing is written, no lock is taken and no -shm is made, so a writer is never disturbed. What it
 * does meanwhile is noticed: sqlite_pages_check.
 *
 * Life     sqlite_pages_open -> read* -> sqlite_pages_check -> sqlite_pages_close.
 * Errors   ERR_FORMAT; ERR_BUSY: a rollback journal lies there, or somebody wrote; ERR_LIMIT.
 * Memory   one page, and 8 bytes for each page in the log.
 * Thread   one at a time.
 * Source   https://www.sqlite.org/fileformat2.html
 */
#ifndef TSUJIBAN_AGENT_RPMDB_SQLITE_PAGES_H
#define TSUJIBAN_AGENT_RPMDB_SQLITE_PAGES_H

#include "common/base/err.h"
#include "common/base/slice.h"

#define SQLITE_PAGES_MAX (1u << 20) /* of a log */

struct sqlite_pages;

int sqlite_pages_open(const char *path, struct sqlite_pages **out, struct reason *out_why);
/* Bytes of a page that belong to its content. */
uint32_t sqlite_pages_usable(const struct sqlite_pages *pages);
/* How many pages there can be at most: what visits more goes in a circle. */
uint32_t sqlite_pages_count(const struct sqlite_pages *pages);
/* A whole page, pages from 1; `out` lives until the next call. */
int sqlite_pages_read(
        struct sqlite_pages *pages, uint32_t number, struct slice *out, struct reason *out_why);
/* Whether all that was read is of one moment: ERR_BUSY if it may not be. */
int sqlite_pages_check(struct sqlite_pages *pages, struct reason *out_why);
void sqlite_pages_close(struct sqlite_pages *pages);

#endif
