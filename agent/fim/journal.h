/*
 * journal - compares readings with the baseline and writes what changed: baseline and event in one
 * transaction.
 *
 * Takes paths that settle gave out, in batches: on workers, reads each (probe), decides the event,
 * and commits them all at once. While one batch is written the next one is read, no more: a slow
 * disk makes batches larger instead of a queue longer. Batches are written in the order in which
 * they were read.
 *
 * What becomes of a path:
 *
 *   baseline  disk     event
 *   -         there    created; with cause baseline when its root was never baselined and no
 *                      creation was seen. More than one life: transient for the others first
 *   there     differs  modified when content differs (CHANGED_CONTENT, see filestate.h), otherwise
 *                      attributes
 *   there     same     none; a moved ctime alone is noted without an event
 *   there     -        deleted; a directory: everything below it first, deepest first
 *   -         -        transient with the number of lives, if a creation was seen; otherwise none
 *   there     any      transient besides, when more than one creation was seen
 *
 *   old path known, path unknown, disk has path with that inode: moved (a directory: with all below
 *   it); `changed` says what else differs. Any other rename: its two paths are compared alone.
 *   Nothing is kept below what is not kept as a directory: such an entry waits until its directory
 *   has been read.
 *   hint RETIRE: retired, one event for the topmost path; its baseline and all below it goes. With
 *   REMOUNT the path is then reported to `directory` with CAUSE_BASELINE: what is seen there now is
 *   a baseline.
 *
 * A file that changes while it is read is read again, and written as HASH_UNSTABLE when that does
 * not end.
 *
 * A directory that was created or moved in, or went to and fro (hint RELIST), is reported to
 * `directory`, so that it is walked; one that is gone to `directory_gone`.
 *
 * Errors   a batch that cannot be committed (-ENOSPC, …) keeps its paths in settle (again later)
 *          and calls `stuck` once; `unstuck` when a batch went through again.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_FIM_JOURNAL_H
#define TSUJIBAN_AGENT_FIM_JOURNAL_H

#include "agent/fim/filter.h"
#include "agent/fim/settle.h"
#include "agent/state/state.h"
#include "common/base/budget.h"
#include "common/io/loop.h"

struct explainer;
struct journal;

struct journal_events {
	/* A batch is durable: `events` new ones are in the spool. Called for every batch, with 0
	 * too. */
	void (*committed)(void *ctx, uint64_t events);
	void (*directory)(void *ctx, struct slice dir, enum event_cause cause);
	void (*directory_gone)(void *ctx, struct slice dir);
	/* Something was told of a file that has further names. NULL: nobody cares. */
	void (*linked)(void *ctx, uint64_t device, uint64_t inode);
	/* Something was told of `path`: a file, or (`is_directory`) a directory that came, went or
	 * was renamed with all below it. Not for a first baseline. NULL: nobody cares. */
	void (*changed)(void *ctx, struct slice path, bool is_directory);
	/* Whether the entry `path` of `dir` is being compared with the baseline on a worker; path
	 * absent: whether any of it may be. NULL: never. */
	bool (*is_compared)(void *ctx, struct slice dir, struct slice path);
	/* Touched paths are about to be read: the last moment for journal_wait. NULL: nobody
	 * cares. */
	void (*reading)(void *ctx);
	void (*stuck)(void *ctx, int code, const struct reason *why);
	void (*unstuck)(void *ctx);
};

/* 0 stands for the default. */
struct journal_limits {
	uint64_t hash_limit_bytes; /* larger files are not hashed; default 1 GiB */
	size_t batch_paths;        /* default 1024, at most 4096 */
	struct budget *budget;     /* of bulk work; NULL: no limit. Has to outlive the journal */
	unsigned workers;          /* threads that read one batch; default 2, at most 8 */
};

int journal_new(struct loop *loop, struct state *state, const struct filter *filter,
        struct settle *settle, const struct journal_limits *limits,
        const struct journal_events *events, void *ctx, struct journal **out);
void journal_free(struct journal *journal);

/* Looks into settle for ready paths and begins a batch unless one is under way or it is held; sets
 * its own timer for settle's next moment. Called after every touch; cheap. */
void journal_kick(struct journal *journal);
/* No further batch is begun (the spool is full) until it is released. */
void journal_hold(struct journal *journal, bool hold);

/* The same for touched paths alone: what is noted is written (a package manager is at work). */
void journal_wait(struct journal *journal, bool wait);
/* Whom to ask about every change that is read from now on; NULL: nobody. Keeps a reference. */
void journal_explain(struct journal *journal, struct explainer *explainer);
/* `dir` and its entries behind the name `after` (absent: all) have been compared with the baseline:
 * what is under way of them is read once more (see overlap.h). */
void journal_repeat(struct journal *journal, struct slice dir, struct slice after);

/* Writes one event of the agent's own (gap, degraded, restored, started, baselined) with the next
 * batch; slices are copied. */
void journal_note(struct journal *journal, const struct event *event);
/* `path` is an entry whose first scan is complete: from now on news below it are changes.
 * Remembered across restarts. */
void journal_mark_baselined(struct journal *journal, struct slice path);
/* A value of the state's meta table, written in one transaction with what is noted in the same
 * step; an empty one deletes. Slices are copied. */
void journal_remember(struct journal *journal, struct slice name, struct slice value);
/* Everything that was noted and is to be remembered is committed. */
bool journal_has_told(const struct journal *journal);
bool journal_is_baselined(const struct journal *journal, struct slice path);
/* Gives back the memory that only work needs, if there is none. */
void journal_rest(struct journal *journal);
/* Nothing under way and nothing noted. */
bool journal_is_idle(const struct journal *journal);

#endif
