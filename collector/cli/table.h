/*
 * table - rows for a person (aligned, safe for a terminal) or for a spreadsheet (CSV, RFC 4180).
 *
 * Listings are streamed, so that columns have fixed widths; a longer cell pushes what follows it to
 * the right. The last column takes what it needs.
 *
 * Life     zeroed but for the first part -> table_row*.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_COLLECTOR_CLI_TABLE_H
#define TSUJIBAN_COLLECTOR_CLI_TABLE_H

#include "common/base/buf.h"

#define TABLE_COLUMNS_MAX 16

struct table_cell {
	struct slice text; /* absent: there is none, "-" in a table */
	const char *color; /* SGR parameters, "31"; NULL: none */
};

struct table_column {
	const char *title; /* "last_seen"; a table shows capitals and a blank */
	unsigned width;    /* in characters; 0: as it comes (the last) */
	bool is_number;    /* aligned to the right */
};

struct table {
	const struct table_column *columns;
	size_t count;
	bool is_csv;
	bool has_color;
	bool is_escaped; /* CSV that goes to a terminal */
	bool has_head;   /* written already */
};

/* Appends the head (once) and one row of table->count cells. */
void table_row(struct table *table, const struct table_cell *cells, struct buf *out);
/* The head alone, for a listing without a row. */
void table_head(struct table *table, struct buf *out);

#endif
