/*
 * verdict - what becomes of a host's presence record, and the event that this is.
 *
 * Private to collector/silence.
 *
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_COLLECTOR_SILENCE_VERDICT_H
#define TSUJIBAN_COLLECTOR_SILENCE_VERDICT_H

#include "collector/silence/silence.h"
#include "collector/store/presence.h"

struct verdict {
	uint32_t host;
	/* What it is now. Away: heard_ns says since when. Here: the address; an empty one leaves
	 * that of the record. */
	struct presence now;
	int64_t started_ns; /* when the collector was started */
};

/* Writes the record and, where that says something new, the event. 1: it did; 0: there was nothing
 * to tell (of a revoked host there never is). */
int verdict_write(struct kv_txn *txn, const struct verdict *verdict);
/* How long the host may be away, by its labels; 0: as long as it likes. */
int verdict_after(struct kv_txn *txn, uint32_t host, const struct silence_config *config,
        int64_t *out_after_ns);

#endif
