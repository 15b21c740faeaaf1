/*
 * usage - how much of the store each host has taken up, and what it is held back for.
 *
 * A limit that is 0 is none.
 *
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_USAGE_H
#define TSUJIBAN_COLLECTOR_STORE_USAGE_H

#include "collector/store/store.h"
#include "common/model/event.h"

/* Why a host is held back; numbers are bits of the record. */
enum hold {
	HOLD_PACE = 0,    /* it sends more than its share */
	HOLD_LOG = 1,     /* … has sent more */
	HOLD_FACTS = 2,   /* it has more facts than it may */
	HOLD_BUCKETS = 3, /* … has shown more */
	HOLD_STREAMS = 4, /* its stream begins anew again and again */
};
#define HOLD_MAX 4

struct usage {
	uint64_t log_bytes;    /* unzipped, of all events stored */
	uint64_t bucket_bytes; /* in the table of buckets, first shown by it */
	uint32_t stream_day;   /* usage_day */
	uint32_t streams;      /* that have begun anew on that day */
	uint32_t held_day;
	uint8_t held; /* on that day, for these reasons; see usage_held */
};

/* How the detail of such an event begins. */
#define USAGE_HELD_BACK "held back by the collector: "

/* Days since 1970. */
uint32_t usage_day(int64_t now_ns);

/* Zeros where there is no record. */
int usage_get(struct kv_txn *txn, uint32_t host, struct usage *out);
int usage_put(struct kv_txn *txn, uint32_t host, const struct usage *usage);

const char *hold_name(enum hold hold);
/* The bits of today. */
unsigned usage_held(const struct usage *usage, int64_t now_ns);
/* Puts the record, and leaves an event of the collector's own, `detail` in it, the first time on a
 * day that the host is held back for that reason. Fills `out` then, and *out_is_new. */
int usage_hold(struct kv_txn *txn, uint32_t host, struct usage *usage, enum hold hold,
        int64_t now_ns, struct slice detail, struct event *out, bool *out_is_new);
/* One more stream: whether it may begin. */
bool usage_may_begin_stream(const struct usage *usage, uint64_t limit, int64_t now_ns);
void usage_count_stream(struct usage *usage, int64_t now_ns);

#endif
