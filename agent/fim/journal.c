#include "agent/fim/journal.h"

#include <stdlib.h>

#include "agent/fim/hashed.h"
#include "agent/fim/journal_private.h"
#include "common/base/mem.h"

#define HASH_LIMIT_DEFAULT  (1ULL << 30)
#define BATCH_PATHS_DEFAULT 2048
#define BATCH_PATHS_MAX     4096
#define WORKERS_DEFAULT     2
#define READER_BYTES_MAX    (64u << 20)

_Static_assert(JOURNAL_WORKERS_MAX <= HASHED_READERS_MAX, "each worker reads one file at a time");

/* --- life ------------------------------------------------------------------------------------ */

static void on_timer(void *ctx)
{
	journal_step(ctx);
}

static void take_limits(struct journal *journal, const struct journal_limits *limits)
{
	struct journal_limits *own = &journal->limits;
	*own = *limits;
	if (own->hash_limit_bytes == 0)
		own->hash_limit_bytes = HASH_LIMIT_DEFAULT;
	if (own->batch_paths == 0)
		own->batch_paths = BATCH_PATHS_DEFAULT;
	if (own->batch_paths > BATCH_PATHS_MAX)
		own->batch_paths = BATCH_PATHS_MAX;
	if (own->workers == 0)
		own->workers = WORKERS_DEFAULT;
	if (own->workers > JOURNAL_WORKERS_MAX)
		own->workers = JOURNAL_WORKERS_MAX;
}

int journal_new(struct loop *loop, struct state *state, const struct filter *filter,
        struct settle *settle, const struct journal_limits *limits,
        const struct journal_events *events, void *ctx, struct journal **out)
{
	struct journal *journal = mem_new(sizeof(*journal));
	journal->loop = loop;
	journal->state = state;
	journal->filter = filter;
	journal->settle = settle;
	journal->events = *events;
	journal->ctx = ctx;
	take_limits(journal, limits);
	pthread_mutex_init(&journal->mutex, NULL);
	pthread_cond_init(&journal->is_quiet, NULL);
	for (size_t i = 0; i < 2; i++) {
		batch_init(&journal->batch[i], state, filter);
		journal->batch[i].is_stopping = &journal->is_stopping;
	}
	journal->hashed = hashed_new();
	for (unsigned i = 0; i < journal->limits.workers; i++) {
		struct part *part = &journal->part[i];
		part->journal = journal;
		part->prober = prober_new(journal->limits.hash_limit_bytes);
		prober_share(part->prober, journal->hashed);
		part->copier = copier_new(state, filter);
		part->arena[0] = arena_new(READER_BYTES_MAX);
		part->arena[1] = arena_new(READER_BYTES_MAX);
	}
	journal->taken = mem_new_array(journal->limits.batch_paths, sizeof(*journal->taken));
	journal->timer = timer_new(loop, on_timer, journal);
	*out = journal;
	return 0;
}

static void free_parts(struct journal *journal)
{
	tries_free(&journal->moving);
	for (size_t i = 0; i < 2; i++)
		batch_fini(&journal->batch[i]);
	for (unsigned i = 0; i < journal->limits.workers; i++) {
		prober_free(journal->part[i].prober);
		copier_free(journal->part[i].copier);
		arena_free(journal->part[i].arena[0]);
		arena_free(journal->part[i].arena[1]);
	}
	hashed_free(journal->hashed);
	free(journal->taken);
	buf_fini(&journal->notes);
	buf_fini(&journal->marks);
	buf_fini(&journal->metas);
	explainer_drop(journal->explainer);
	timer_free(journal->timer);
}

void journal_free(struct journal *journal)
{
	if (!journal)
		return;
	atomic_store(&journal->is_stopping, true);
	pthread_mutex_lock(&journal->mutex);
	while (journal->at_work > 0)
		pthread_cond_wait(&journal->is_quiet, &journal->mutex);
	pthread_mutex_unlock(&journal->mutex);
	free_parts(journal);
	journal->is_orphan = true;
	if (journal->under_way == 0)
		journal_release(journal);
}

void journal_kick(struct journal *journal)
{
	journal_step(journal);
}

void journal_hold(struct journal *journal, bool hold)
{
	journal->is_held = hold;
	journal_step(journal);
}

void journal_wait(struct journal *journal, bool wait)
{
	journal->is_waiting = wait;
	journal_step(journal);
}

void journal_explain(struct journal *journal, struct explainer *explainer)
{
	explainer_keep(explainer);
	explainer_drop(journal->explainer);
	journal->explainer = explainer;
}

static void touch_again(void *ctx, struct slice path)
{
	journal_touch(ctx, path, TOUCH_DONE);
}

void journal_repeat(struct journal *journal, struct slice dir, struct slice after)
{
	if (journal->reading)
		overlap_each(&journal->reading->paths, dir, after, touch_again, journal);
	if (journal->writing)
		overlap_each(&journal->writing->paths, dir, after, touch_again, journal);
}

void journal_rest(struct journal *journal)
{
	if (!journal_is_idle(journal))
		return;
	hashed_rest(journal->hashed);
	for (size_t i = 0; i < 2; i++)
		batch_rest(&journal->batch[i]);
	for (unsigned i = 0; i < journal->limits.workers; i++) {
		prober_rest(journal->part[i].prober);
		copier_rest(journal->part[i].copier);
		arena_rest(journal->part[i].arena[0]);
		arena_rest(journal->part[i].arena[1]);
	}
}

bool journal_is_idle(const struct journal *journal)
{
	return !journal->reading && !journal->writing && !journal_has_notes(journal);
}
