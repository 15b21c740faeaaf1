/*
 * copier - what a reading adds to the texts that are kept (agent/state/texts.h), and what its
 * content differs from the copy in.
 *
 * One for each worker that reads. A copy is taken of the very bytes that were hashed; the diff
 * leads to them from the copy whose hash is the one in the baseline.
 *
 * Memory   of one batch at most COPIER_BATCH_BYTES and one file more are kept in the caller's
 *          arena: copier_is_full then, and further files that want a diff have to wait for the
 *          next batch.
 *
 * Life     copier_new -> (copier_begin, copier_take*)*, copier_rest -> copier_free.
 * Thread   one worker's own, but for copier_purge.
 */
#ifndef TSUJIBAN_AGENT_FIM_COPIER_H
#define TSUJIBAN_AGENT_FIM_COPIER_H

#include "agent/fim/filter.h"
#include "agent/fim/probe.h"
#include "agent/state/texts.h"
#include "common/model/event.h"

#define COPIER_BATCH_BYTES (512u << 10)

struct copier;

struct copied {
	/* To be kept; NULL: what is kept stays, if its hash is right. */
	const struct text_copy *copy;
	struct slice diff;    /* absent: none, and diff_gap says why */
	const uint8_t *since; /* the SHA-256 of what the diff leads from */
	enum diff_gap diff_gap;
};

struct copier *copier_new(struct state *state, const struct filter *filter);
void copier_free(struct copier *copier);
/* Before each batch. */
void copier_begin(struct copier *copier);
/* Gives back what only working needs. */
void copier_rest(struct copier *copier);

/* How many bytes the file may have for its text to be wanted; 0: it is not. */
uint64_t copier_wants(const struct copier *copier, struct slice path);
bool copier_is_full(const struct copier *copier);
/* `known` (may be NULL) is the baseline's state of this path. What comes out lives in the arena.
 * ERR_LIMIT: it is full. */
int copier_take(struct copier *copier, struct slice path, const struct filestate *known,
        const struct reading *reading, struct arena *arena, struct copied *out);

/* Removes every copy that the filter does not allow (any more). To be called before anything else
 * reads copies. */
int copier_purge(struct state *state, const struct filter *filter, struct reason *out_why);
/* Whether a copy of the file is wanted and there is none: diffs were switched on since it was last
 * read. */
bool copier_lacks(const struct filter *filter, struct kv_txn *txn, struct slice path,
        const struct filestate *known);

#endif
