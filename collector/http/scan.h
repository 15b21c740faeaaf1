/*
 * scan - walks the event log and picks the events that a query matches.
 *
 * A batch is opened once, into the scan's own memory, and its events are given one by one; between
 * two steps no transaction is open. Each call spends from a budget, so that a query that matches
 * little does not hold up the loop.
 *
 * Life     scan_new -> scan_from / scan_back -> scan_next* -> scan_free.
 * Owner    owns the query; what scan_next gives is borrowed until the next call.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_SCAN_H
#define TSUJIBAN_COLLECTOR_HTTP_SCAN_H

#include "collector/query/query.h"
#include "collector/store/eventlog.h"

#define SCAN_BUDGET 4096 /* events looked at in a step */

struct scan;

struct scan_filter {
	struct query *query; /* NULL: all */
	const struct index *index;
	uint32_t host;    /* UINT32_MAX: all */
	int64_t since_ns; /* events of this time and later; INT64_MIN: all */
};

struct scan_hit {
	struct event_id id;
	struct slice host;
	const struct event *event;
};

struct scan *scan_new(const struct scan_filter *filter);
void scan_free(struct scan *scan);
/* Goes on with this event, or the first behind it. */
void scan_from(struct scan *scan, struct event_id id);
/* The next event that matches, in batches up to `end`. 1: found; 0: there is no more; SCAN_SPENT:
 * budget spent, call again. */
#define SCAN_SPENT 2
int scan_next(struct scan *scan, struct kv_txn *txn, uint64_t end, unsigned *budget,
        struct scan_hit *out);
/* Walks back from the end of batch *position until `*count` matches have been passed, which are
 * counted down, and leaves the scan in front of them. Returns 0 when that is done or the log
 * begins, SCAN_SPENT to be called again with the same variables. */
int scan_back(struct scan *scan, struct kv_txn *txn, uint64_t *position, uint64_t *count,
        unsigned *budget);

#endif
