/*
 * streams - how far each host's streams are stored. Private to collector/store: eventlog.h has the
 * public half.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_STREAMS_H
#define TSUJIBAN_COLLECTOR_STORE_STREAMS_H

#include "collector/store/eventlog.h"

/* The stream of what the collector itself has to tell of a host: zeros. */
extern const uint8_t streams_own[WIRE_STREAM_ID_BYTES];

int streams_put_last_seq(struct kv_txn *txn, const struct log_batch *batch, uint64_t last_seq);
int streams_put_current(struct kv_txn *txn, const struct log_batch *batch);

#endif
