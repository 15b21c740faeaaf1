#include "collector/http/scan.h"

#include <stdlib.h>

#include "collector/store/hosts.h"
#include "common/base/log.h"
#include "common/base/mem.h"

/* Of one batch: FRAME_PAYLOAD_MAX of payload, decoded. */
#define BATCH_BYTES (64u << 20)
/* What looking at a batch costs beside its events. */
#define BATCH_COST 8

struct scan {
	struct scan_filter filter;
	struct event_id next;

	/* The batch that is open; its payload was the transaction's. */
	bool is_open;
	struct log_batch batch;
	struct buf plain, host_name;
	struct arena *arena;
	struct event *events;
	size_t count;
};

struct scan *scan_new(const struct scan_filter *filter)
{
	struct scan *scan = mem_new(sizeof(*scan));

	scan->filter = *filter;
	scan->next.position = 1;
	scan->arena = arena_new(BATCH_BYTES);
	return scan;
}

void scan_free(struct scan *scan)
{
	if (!scan)
		return;
	query_free(scan->filter.query);
	buf_fini(&scan->plain);
	buf_fini(&scan->host_name);
	arena_free(scan->arena);
	free(scan);
}

void scan_from(struct scan *scan, struct event_id id)
{
	scan->is_open = false;
	scan->next = id;
}

/* A batch that cannot be read is told in the log and passed over: the others still count. */
static bool open_batch(struct scan *scan, struct kv_txn *txn, const struct log_batch *batch)
{
	struct host_record host;
	struct reason why;

	scan->batch = *batch;
	scan->batch.payload = slice_of(NULL, 0);
	buf_reset(&scan->host_name);
	if (hosts_get(txn, batch->host, &host) == 0)
		buf_append_slice(&scan->host_name, host.name);
	arena_reset(scan->arena);
	if (eventlog_open(batch, &scan->plain, scan->arena, &scan->events, &scan->count, &why) <
	        0) {
		log_error("cannot read stored events position=%llu: %s",
		        (unsigned long long)batch->position, why.text);
		return false;
	}
	return true;
}

static bool is_of_interest(const struct scan *scan, const struct log_batch *batch)
{
	return batch->max_time_ns >= scan->filter.since_ns &&
	       (scan->filter.host == UINT32_MAX || scan->filter.host == batch->host);
}

static bool matches(const struct scan *scan, const struct event *event)
{
	const struct scan_filter *filter = &scan->filter;

	return event->time_ns >= filter->since_ns &&
	       (!filter->query ||
	               query_matches_event(filter->query, filter->index, scan->batch.host, event));
}

static void spend(unsigned *budget, unsigned cost)
{
	*budget -= cost < *budget ? cost : *budget;
}

/* 1: a batch is open at or behind next; 0: no more; SCAN_SPENT. */
static int seek_batch(struct scan *scan, struct kv_txn *txn, uint64_t end, unsigned *budget)
{
	struct log_batch batch;

	while (*budget > 0) {
		int rc = eventlog_next(txn, scan->next.position, scan->filter.host, &batch);
		if (rc < 0 && rc != ERR_MISSING)
			log_error("cannot read the event log: %s", err_text(rc));
		if (rc < 0 || batch.position > end)
			return 0;
		if (batch.position > scan->next.position)
			scan->next = (struct event_id){batch.position, 0};
		spend(budget, BATCH_COST);
		if (is_of_interest(scan, &batch) && open_batch(scan, txn, &batch)) {
			scan->is_open = true;
			return 1;
		}
		scan->next = (struct event_id){batch.position + 1, 0};
	}
	return SCAN_SPENT;
}

int scan_next(
        struct scan *scan, struct kv_txn *txn, uint64_t end, unsigned *budget, struct scan_hit *out)
{
	for (;;) {
		int rc = scan->is_open ? 1 : seek_batch(scan, txn, end, budget);
		if (rc != 1)
			return rc;
		while (scan->next.place < scan->count) {
			if (*budget == 0)
				return SCAN_SPENT;
			spend(budget, 1);
			const struct event *event = &scan->events[scan->next.place];
			struct event_id id = scan->next;
			scan->next.place++;
			if (!matches(scan, event))
				continue;
			*out = (struct scan_hit){id, buf_slice(&scan->host_name), event};
			return 1;
		}
		scan->is_open = false;
		scan->next = (struct event_id){scan->batch.position + 1, 0};
	}
}

/* Counts the matches of the open batch from its end; where the count is used up is the start. */
static void count_down(struct scan *scan, uint64_t *count)
{
	for (size_t i = scan->count; i > 0 && *count > 0; i--) {
		scan->next = (struct event_id){scan->batch.position, (uint32_t)(i - 1)};
		if (matches(scan, &scan->events[i - 1]))
			--*count;
	}
}

int scan_back(struct scan *scan, struct kv_txn *txn, uint64_t *position, uint64_t *count,
        unsigned *budget)
{
	struct log_batch batch;

	scan->is_open = false;
	for (; *position > 0 && *count > 0; --*position) {
		if (*budget == 0)
			return SCAN_SPENT;
		spend(budget, BATCH_COST);
		scan->next = (struct event_id){*position, 0};
		if (eventlog_get(txn, *position, &batch) < 0 || !is_of_interest(scan, &batch) ||
		        !open_batch(scan, txn, &batch))
			continue;
		spend(budget, (unsigned)scan->count);
		count_down(scan, count);
	}
	return 0;
}
