/*
 * journal_private - what the files of the journal share.
 *
 *   journal.c        life, and what the pipeline asks for
 *   journal_cycle.c  the cycle of two batches: read, written, reported
 *   journal_notes.c  events, marks and meta values that go along with the next batch
 *   journal_batch.c  one batch, read by workers
 *   journal_write*.c and written by one
 *
 * Thread   the loop's, but for what `mutex` guards and the batch that workers are at.
 */
#ifndef TSUJIBAN_AGENT_FIM_JOURNAL_PRIVATE_H
#define TSUJIBAN_AGENT_FIM_JOURNAL_PRIVATE_H

#include <pthread.h>

#include "agent/fim/burst.h"
#include "agent/fim/journal.h"
#include "agent/fim/journal_batch.h"
#include "agent/fim/tries.h"

#define JOURNAL_WORKERS_MAX 8

/* What one worker is given. */
struct part {
	struct journal *journal;
	struct prober *prober;
	struct copier *copier;
	struct arena *arena[2]; /* by batch: one is written from while the other is read into */
};

/*
 * One of the two batches is read while the other is written. `reading` is one whose readers are at
 * work or that waits, read, until the one before it is written.
 */
struct journal {
	struct loop *loop;
	struct state *state;
	const struct filter *filter;
	struct settle *settle;
	struct journal_limits limits;
	struct journal_events events;
	void *ctx;
	struct timer *timer;
	uint64_t timer_ms; /* what it is set to */

	struct journal_batch batch[2];
	struct journal_batch *reading;
	struct journal_batch *writing;
	struct part part[JOURNAL_WORKERS_MAX];
	unsigned parts_left;   /* readers at work */
	struct hashed *hashed; /* what they share */
	const struct settled **taken;

	struct buf notes; /* for the next batch; form: see journal_batch.h */
	struct buf marks;
	struct buf metas;
	struct explainer *explainer; /* for the batches that begin from now on */
	struct tries *moving;        /* files that changed while they were read */
	bool is_held;
	bool is_waiting;    /* touched paths are held, notes are not */
	size_t unreleased;  /* paths written since the store's pages were given back */
	uint64_t stuck_ms;  /* how long to wait after the last failure; 0: it went well */
	uint64_t paused_ms; /* no batch before this moment */
	struct burst burst;

	bool is_orphan;     /* freed; the last step that comes back frees the memory */
	unsigned under_way; /* steps that have not come back to the loop */
	pthread_mutex_t mutex;
	pthread_cond_t is_quiet;
	unsigned at_work; /* guarded by mutex: workers that may touch state, settle, filter */
	atomic_bool is_stopping;
};

/* What can be done now is begun, and the timer set for what can be done later. */
void journal_step(struct journal *journal);
void journal_touch(struct journal *journal, struct slice path, unsigned hints);
/* It was freed, and nothing is under way any more. */
void journal_release(struct journal *journal);

bool journal_has_notes(const struct journal *journal);
/* Moves all notes, marks and meta values into the batch, before those that it has. */
void journal_give_notes(struct journal *journal, struct journal_batch *batch);
/* And back, before those that came meanwhile. */
void journal_take_notes_back(struct journal *journal, struct journal_batch *batch);

#endif
