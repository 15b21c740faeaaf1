/*
 * journal_batch - one batch of the journal: the part of it that runs on workers.
 *
 * Its steps: the journal fills in entries, notes and marks; several workers read (batch_read, each
 * with a reader of its own, until no entry is left); the journal says of moving files whether they
 * are written as they are or wait; one worker writes (batch_write); the journal looks at the
 * outcome.
 *
 * Owner    the journal. Slices of settled paths are settle's until settle_finish.
 * Thread   one step at a time; inside batch_read the readers share only `next`.
 */
#ifndef TSUJIBAN_AGENT_FIM_JOURNAL_BATCH_H
#define TSUJIBAN_AGENT_FIM_JOURNAL_BATCH_H

#include <stdatomic.h>

#include "agent/fim/copier.h"
#include "agent/fim/filter.h"
#include "agent/fim/overlap.h"
#include "agent/fim/probe.h"
#include "agent/fim/settle.h"
#include "agent/state/state.h"
#include "agent/touch/explainer.h"

/* One path as a worker found it. */
struct sighting {
	struct reading reading;
	int64_t time_ns;
	struct copied copied;
};

struct batch_entry {
	const struct settled *settled;
	/* set by batch_read */
	struct sighting now;
	struct sighting *old; /* of old_path, when there is one; in the reader's arena */
	bool is_refused;      /* no path that the baseline could keep */
	/* set by the journal, or by batch_read when its memory was used up */
	uint64_t again_ms; /* > 0: not written; read again after this time */
	/* set by batch_write */
	bool is_written;
	bool is_new_directory;
	bool is_gone_directory;
	bool is_remounted;          /* forgotten; what stands there now is a baseline */
	bool is_old_gone_directory; /* at old_path … */
	bool is_old_new_directory;  /* … likewise */
	bool is_news_of_links;      /* a file with further names has changed */
	bool is_told;               /* some event came of it */
	/* What was seen there stands in no directory that is known: that has to be looked at. */
	bool lacks_footing;
	bool old_lacks_footing;
};

struct journal_batch {
	struct state *state;
	const struct filter *filter;
	int64_t born_ns; /* before anything was read */
	struct batch_entry *entry;
	size_t count, room;
	struct overlap paths;     /* of all entries, the old ones too */
	atomic_size_t next;       /* entry that no reader has taken yet */
	atomic_bool *is_stopping; /* readers leave off */
	struct buf notes;         /* encoded events, each behind its length (4 bytes) */
	struct buf marks;         /* paths, likewise */
	struct buf metas;         /* names and values, likewise in turn; an empty value deletes */
	struct explainer *explainer; /* asked about every change; NULL: nobody. A reference */
	int8_t *baselined;           /* by entry of the filter: -1 not looked up yet */
	struct arena *arena;         /* of the writer */
	/* outcome of batch_write */
	int rc;
	struct reason why;
	uint64_t events;
	struct tally tally; /* of those, changes of files, with an explainer */
};

/* What one worker reads with; the readings lie in the arena until the batch has been written. */
struct batch_reader {
	struct prober *prober;
	struct budget *budget;
	struct copier *copier;
	struct arena *arena;
};

void batch_init(struct journal_batch *batch, struct state *state, const struct filter *filter);
void batch_fini(struct journal_batch *batch);
/* For the next use with `count` entries: forgets everything but the memory. */
void batch_begin(struct journal_batch *batch, size_t count);
/* Gives the memory back, too: nothing is to be read or written for now. */
void batch_rest(struct journal_batch *batch);

void batch_read(struct journal_batch *batch, struct batch_reader *reader);
void batch_write(struct journal_batch *batch);

/* Whether the entry's reading has to be made again because something changed meanwhile. */
bool batch_is_moving(const struct batch_entry *entry);

/* The name in the state's meta table under which a root is remembered as baselined. */
#define BASELINED_PREFIX   "baselined "
#define BASELINED_NAME_MAX 256
void batch_baselined_name(struct slice path, char out[BASELINED_NAME_MAX]);

#endif
