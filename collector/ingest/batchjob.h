/*
 * batchjob - one batch on its way into the store, and what becomes of it there.
 *
 * Log, picture and stream position change in one transaction. What a peer can do wrong is a
 * verdict, not a failure: it must not cost the batches of others that share the transaction.
 *
 * Life     intake.c's.
 * Thread   batchjob_apply: the store's writer.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_BATCHJOB_H
#define TSUJIBAN_COLLECTOR_INGEST_BATCHJOB_H

#include "collector/ingest/peer.h"
#include "collector/store/usage.h"

/* A gap and the labels of the host: what the collector itself tells when a stream begins anew. */
#define BATCHJOB_NOTES_MAX (1 + HOST_LABELS_MAX)

enum verdict {
	VERDICT_STORED,
	VERDICT_DUPLICATE, /* stored before, all of it */
	VERDICT_HOLE,
	VERDICT_REPLACED, /* the host has begun another stream since */
	VERDICT_REVOKED,  /* … has been revoked since */
	VERDICT_HELD,     /* … has taken up what it may: why_held */
};

/* One batch on its way into the store. Its memory is used again for the next. */
struct batch_job {
	struct store_job job;
	struct peer *peer;
	struct arena *arena;
	struct buf raw; /* the frame's payload as it came */
	size_t bytes;
	size_t plain_bytes; /* of the payload, unzipped */
	const struct ingest_limits *limits;
	struct log_batch batch;
	struct event *events; /* BATCHJOB_NOTES_MAX places for notes, then those of the batch */
	bool touches_host;
	bool has_root;
	uint8_t root[SECTION_ROOT_BYTES]; /* what the facts add up to at the agent */

	/* from apply */
	enum verdict verdict;
	bool is_new_stream; /* … and there was another: all that was known is forgotten */
	size_t note_count;
	uint64_t stored_seq;
	const char *why_held;
	struct usage usage;
	bool has_other_facts; /* … than the agent */
	bool was_another;     /* a fact that an event has changed: not what the event says it was */
	struct batch_job *next;
};

int batchjob_apply(struct store_job *base, struct kv_txn *txn, struct reason *out_why);

#endif
