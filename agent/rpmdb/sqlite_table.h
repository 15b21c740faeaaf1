/*
 * sqlite_table - the rows of one table of an SQLite database.
 *
 * Errors   ERR_FORMAT: a b-tree that does not hold together; ERR_MISSING: there is no such table;
 *          those of sqlite_pages.
 * Memory   one row, and a page a level.
 * Thread   one at a time.
 * Source   https://www.sqlite.org/fileformat2.html, sections 1.5, 1.6 and 2
 */
#ifndef TSUJIBAN_AGENT_RPMDB_SQLITE_TABLE_H
#define TSUJIBAN_AGENT_RPMDB_SQLITE_TABLE_H

#include "agent/rpmdb/sqlite_pages.h"

#define SQLITE_ROW_MAX     (300u << 20)
#define SQLITE_COLUMNS_MAX 16

struct sqlite_row {
	int64_t id;
	uint32_t columns; /* further ones are not looked at */
	/* Text or bytes of the column; of a number and of NULL nothing. */
	struct slice bytes[SQLITE_COLUMNS_MAX];
	int64_t number[SQLITE_COLUMNS_MAX]; /* of whole numbers; else 0 */
};

/* In the order of the rows' numbers. Slices live until `each` returns; less than 0 from it ends the
 * reading and is returned. */
int sqlite_table_each(struct sqlite_pages *pages, const char *table,
        int (*each)(void *ctx, const struct sqlite_row *row), void *ctx, struct reason *out_why);

#endif
