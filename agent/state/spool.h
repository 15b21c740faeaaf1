/*
 * spool - events that the collector has not yet confirmed.
 *
 * The only seam between the half that reads the host and the half that sends.
 *
 * Units    seq counts from 1 within the stream, without a hole.
 * Errors   ERR_LIMIT: one event above WIRE_EVENT_BYTES_MAX; otherwise the store's.
 * Thread   append and trim: the transaction's. spool_read: any, with a read transaction of its own.
 */
#ifndef TSUJIBAN_AGENT_STATE_SPOOL_H
#define TSUJIBAN_AGENT_STATE_SPOOL_H

#include "agent/state/state.h"

/* Gives the event the next number (returned in out_seq, may be NULL). It exists once the
 * transaction commits. */
int spool_append(struct state_txn *txn, const struct event *event, uint64_t *out_seq);

/* Copies events from `from_seq` on into the arena, at most `most_events` and, but for the first,
 * `most_bytes`. count 0: there are none yet. ERR_MISSING: from_seq is older than the oldest that is
 * kept. */
int spool_read(struct state *state, uint64_t from_seq, size_t most_events, size_t most_bytes,
        struct arena *arena, struct batch *out);

/* Drops everything up to and with `seq`; fine when it is gone already. */
int spool_trim(struct state_txn *txn, uint64_t seq);

#endif
