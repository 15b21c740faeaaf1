/*
 * eventlog - every stored event, in the order in which batches were committed.
 *
 * A batch is kept as it came (compressed payload). Its position in the log is a number that grows
 * by one; an event is named by position and place in its batch: its id, as text "POSITION-PLACE".
 *
 * Each host has one current stream, the one that began last: an older one cannot go on, because the
 * picture is no longer its. What the collector itself has to say of a host stands in the log too,
 * in a stream of its own (the id is zeros) beside the agent's.
 *
 * Exactly once: eventlog_append commits the last sequence number of (host, stream) in the same
 * transaction; what is stored already is skipped, what would leave a hole is refused.
 *
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_EVENTLOG_H
#define TSUJIBAN_COLLECTOR_STORE_EVENTLOG_H

#include "collector/store/store.h"
#include "common/codec/wire.h"

struct event_id {
	uint64_t position; /* from 1 */
	uint32_t place;    /* from 0 within the stored batch */
};
#define EVENT_ID_TEXT 32
void event_id_text(struct event_id id, char out[EVENT_ID_TEXT]);
bool event_id_parse(struct slice text, struct event_id *out);
int event_id_compare(struct event_id a, struct event_id b);

struct log_batch {
	uint64_t position;
	uint32_t host;
	uint8_t stream_id[WIRE_STREAM_ID_BYTES];
	uint64_t first_seq; /* of the payload's first event, which may have been stored before: see
	                       skip */
	uint32_t count;     /* events in the payload */
	uint32_t skip;      /* this many at its front are not part of the log */
	int64_t received_ns;
	int64_t min_time_ns, max_time_ns; /* of its events */
	struct slice payload;             /* of a FRAME_BATCH, with its flags */
	uint8_t flags;
};

/* The last stored seq of a stream; 0: none (and then the stream is new to this collector). */
int eventlog_last_seq(struct kv_txn *txn, uint32_t host,
        const uint8_t stream_id[WIRE_STREAM_ID_BYTES], uint64_t *out);
/* How many streams the host's agents have had. */
int eventlog_stream_count(struct kv_txn *txn, uint32_t host, unsigned *out);
/* The stream that began last; ERR_MISSING: none has. */
int eventlog_current_stream(
        struct kv_txn *txn, uint32_t host, uint8_t out_stream_id[WIRE_STREAM_ID_BYTES]);
/* Fills position and skip; a stream's first batch makes it the current one. 1: everything in it was
 * stored before, nothing was written. ERR_PROTOCOL: it would leave a hole. */
int eventlog_append(struct kv_txn *txn, struct log_batch *batch);
/* An event that the collector itself has to tell of the host: into the log as a batch of one, and
 * into the picture. Sets its seq. */
int eventlog_note(struct kv_txn *txn, uint32_t host, struct event *event);

int eventlog_get(struct kv_txn *txn, uint64_t position, struct log_batch *out);
/* The first batch at or behind `position`, of one host (or UINT32_MAX: any). ERR_MISSING: none. */
int eventlog_next(struct kv_txn *txn, uint64_t position, uint32_t host, struct log_batch *out);
/* The last position written; 0: the log is empty. */
uint64_t eventlog_end(struct kv_txn *txn);

/* Decodes the batch's events (those behind skip, with seq set) into the arena. */
int eventlog_open(const struct log_batch *batch, struct buf *scratch, struct arena *arena,
        struct event **out, size_t *out_count, struct reason *out_why);

#endif
