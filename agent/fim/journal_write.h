/*
 * journal_write - what the files of a batch's writing step share.
 *
 *   journal_write.c       entries: decided, told, written
 *   journal_write_base.c  against the baseline as it is inside the one write transaction
 *
 * Thread   a worker; one batch is written by one.
 */
#ifndef TSUJIBAN_AGENT_FIM_JOURNAL_WRITE_H
#define TSUJIBAN_AGENT_FIM_JOURNAL_WRITE_H

#include "agent/fim/decide.h"
#include "agent/fim/journal_batch.h"

struct write {
	struct journal_batch *batch;
	struct state_txn *txn;
	struct slice footing; /* the directory that was last found to be one */
	size_t below_left;
	bool has_changed;
};

/* An event. One that cannot be told as it is costs that event alone. */
int write_append(struct write *write, const struct event *event);
/* A change of a file: counted by what explains it. */
int write_tell(struct write *write, const struct event *event);
/* The baseline's record of a path: written, or removed. */
int write_put(struct write *write, struct slice path, const struct filestate *state);
int write_forget(struct write *write, struct slice path);
/* What a sighting means against the baseline. `before` is where the baseline's state goes; it has
 * to live as long as the finding. */
int write_find(struct write *write, struct slice path, const struct sighting *sighting,
        const struct settled *settled, struct filestate *before, struct finding *out);
/* NULL: by nothing. `seen` NULL: nothing is there. */
const struct explained *write_explain(struct write *write, struct slice path,
        const struct filestate *before, const struct sighting *seen);
/* Whether what the path stands on is kept as a directory. 1: the reading holds; 0: it says
 * nothing. */
int write_find_footing(
        struct write *write, struct slice path, struct sighting *sighting, bool *out_is_early);

#endif
