/*
 * count - what hosts can be counted by, and which facts count.
 *
 * Where a query asks for facts of the kind in terms that are not negated, only what those accept
 * counts (package:openssl: its versions); otherwise all of the kind that the index has.
 *
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_QUERY_COUNT_H
#define TSUJIBAN_COLLECTOR_QUERY_COUNT_H

#include "collector/query/query.h"

struct query_field_row;

struct query_value {
	enum fact_kind kind;
	struct slice name; /* of the one pair that it is about; absent: of all facts of the kind */
	/* Where the value stands; NULL: in `field` alone. */
	const struct query_field_row *row;
	unsigned field;
};

/* "os", "listen", "fact.virtualisation" (whose name borrows from `text`), or a package's "version",
 * "manager", "source", …; false: there is no such. */
bool query_value_find(struct slice text, struct query_value *out);
/* Appends it; nothing where the fact has none. */
void query_value_append(const struct query_value *value, const struct fact *fact, struct buf *out);
/* Whether a term that is not negated asks for facts of the kind. */
bool query_asks_kind(const struct query *query, enum fact_kind kind);
/* The facts that count with their hosts, some perhaps more than once. */
void query_each_counted(const struct query *query, const struct index *index,
        const struct query_value *value,
        bool (*each)(void *ctx, const struct fact *fact, const struct hostset *hosts), void *ctx);

/* Hosts with a package that a version was asked of, but none whose version can be compared: their
 * manager's order is not known. The caller's. `each` is given those facts. */
struct hostset *query_unsure_hosts(const struct query *query, const struct index *index,
        bool (*each)(void *ctx, const struct fact *fact, const struct hostset *hosts), void *ctx);

#endif
