/*
 * restate_private - what the files of state sync share.
 *
 *   restate.c        rounds with the peer, slots
 *   restate_apply.c  in the store: what is missing, what is put in place
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_RESTATE_PRIVATE_H
#define TSUJIBAN_COLLECTOR_INGEST_RESTATE_PRIVATE_H

#include "collector/ingest/peer.h"
#include "common/model/factlist.h"
#include "common/model/section.h"

#define RESTATE_ARENA_BYTES (96u << 20)

enum restate_state { ASKED, QUEUED, TRYING, WANTING };

/* What the store knows nothing of yet is `is_missing`. */
struct section {
	enum fact_kind kind;
	unsigned bucket_count;
	struct slice digests;
	bool is_missing[SECTION_BUCKETS_MAX];
	struct fact_list shown; /* by the peer, of what was missing */
};

struct restate {
	struct store_job job;
	struct peer *peer;
	enum restate_state state;
	struct restate *prev, *next; /* in the queue */
	struct arena *arena;
	struct arena *message; /* the last one with facts, until they are copied */
	struct section section[FACT_KIND_MAX];
	size_t section_count;
	uint64_t since_ms; /* in this state */
	unsigned rounds;
	bool is_again;
	bool has_shown; /* what it was asked for, in this round */

	/* from apply */
	bool is_missing_any;
	bool is_put;       /* the store has what was offered */
	bool is_held_back; /* more was shown than the host's limits allow */
	bool is_note_new;  /* … and this has to be told */
	struct event note;
};

/* The store's job. May be called again for the same one: see jobs.c. */
int restate_apply(struct store_job *base, struct kv_txn *txn, struct reason *out_why);

#endif
