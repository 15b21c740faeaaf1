#include <assert.h>
#include <stdlib.h>

#include "agent/fim/footing.h"
#include "agent/fim/journal_private.h"

#define RELEASE_PATHS    1024 /* written, until the store's pages are given back */
#define PATHS_A_WORKER   16   /* a batch of fewer is not worth a second thread */
#define MOVING_AGAIN_MS  200
#define MOVING_TRIES_MAX 10
#define MOVING_MOST_MS   2000 /* since the first of them */
#define STUCK_MIN_MS     1000
#define STUCK_MAX_MS     30000

/* --- workers --------------------------------------------------------------------------------- */

static void begin_work(
        struct journal *journal, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&journal->mutex);
	journal->at_work++;
	pthread_mutex_unlock(&journal->mutex);
	journal->under_way++;
	loop_work(journal->loop, work, done, ctx);
}

static void end_work(struct journal *journal)
{
	pthread_mutex_lock(&journal->mutex);
	if (--journal->at_work == 0)
		pthread_cond_broadcast(&journal->is_quiet);
	pthread_mutex_unlock(&journal->mutex);
}

void journal_release(struct journal *journal)
{
	pthread_cond_destroy(&journal->is_quiet);
	pthread_mutex_destroy(&journal->mutex);
	free(journal);
}

/* False: the journal is gone. */
static bool come_back(struct journal *journal)
{
	journal->under_way--;
	if (!journal->is_orphan)
		return true;
	if (journal->under_way == 0)
		journal_release(journal);
	return false;
}

/* --- files that keep changing ---------------------------------------------------------------- */

/* One more try is worth it. While a writer goes on, tries are seconds apart (settle waits for
 * quiet), so it is time that counts; otherwise they follow each other closely. */
static bool may_move(struct journal *journal, struct slice path)
{
	uint64_t now = loop_now_ms(journal->loop);
	struct tried tried = tries_add(&journal->moving, path, now);
	return tried.count < MOVING_TRIES_MAX && now - tried.since_ms < MOVING_MOST_MS;
}

/* Files that changed under the reader wait, up to a point; then they are told as they are. */
static void judge_moving(struct journal *journal, struct journal_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct batch_entry *entry = &batch->entry[i];
		if (entry->again_ms > 0 || entry->is_refused)
			continue;
		if (batch_is_moving(entry) && may_move(journal, entry->settled->path))
			entry->again_ms = MOVING_AGAIN_MS;
		else
			tries_forget(&journal->moving, entry->settled->path);
	}
}

/* --- a batch is written ---------------------------------------------------------------------- */

static void write_work(void *ctx)
{
	struct journal *journal = ctx;
	batch_write(journal->writing);
	end_work(journal);
}

static void finish_failed(struct journal *journal, struct journal_batch *batch)
{
	uint64_t now = loop_now_ms(journal->loop);
	bool was_stuck = journal->stuck_ms > 0;
	journal->stuck_ms = was_stuck ? journal->stuck_ms * 2 : STUCK_MIN_MS;
	if (journal->stuck_ms > STUCK_MAX_MS)
		journal->stuck_ms = STUCK_MAX_MS;
	journal->paused_ms = now + journal->stuck_ms;
	for (size_t i = 0; i < batch->count; i++)
		settle_finish(journal->settle, batch->entry[i].settled, journal->stuck_ms, now);
	journal_take_notes_back(journal, batch);
	journal->writing = NULL;
	struct reason why = batch->why;
	if (!was_stuck)
		journal->events.stuck(journal->ctx, batch->rc, &why);
}

/* Times and mode of a directory are no news of what it holds. */
static void report_change(struct journal *journal, const struct batch_entry *entry)
{
	const struct settled *settled = entry->settled;
	bool is_news = entry->is_told || entry->is_new_directory || entry->is_gone_directory ||
	               entry->is_remounted;
	if (!journal->events.changed || !is_news || settled->cause == CAUSE_BASELINE)
		return;
	bool is_directory = entry->now.reading.state.type == FILE_DIRECTORY;
	bool is_whole = entry->is_new_directory || entry->is_gone_directory ||
	                entry->is_remounted || settled->old_path.ptr;
	if (!is_directory || is_whole)
		journal->events.changed(journal->ctx, settled->path,
		        is_directory || entry->is_gone_directory || entry->is_remounted);
	if (settled->old_path.ptr)
		journal->events.changed(journal->ctx, settled->old_path,
		        is_directory || entry->is_old_gone_directory);
}

/* While settle still holds the paths, and `writing` still keeps the batch from being used again by
 * a kick from the callbacks. */
static void report_directories(struct journal *journal, const struct journal_batch *batch)
{
	for (size_t i = 0; i < batch->count && !journal->is_orphan; i++) {
		struct batch_entry entry = batch->entry[i];
		if (entry.again_ms > 0)
			continue;
		report_change(journal, &entry);
		const struct filestate *state = &entry.now.reading.state;
		if (entry.is_news_of_links && journal->events.linked)
			journal->events.linked(journal->ctx, state->device, state->inode);
		if (entry.is_gone_directory && !journal->is_orphan)
			journal->events.directory_gone(journal->ctx, entry.settled->path);
		if (entry.is_old_gone_directory && !journal->is_orphan)
			journal->events.directory_gone(journal->ctx, entry.settled->old_path);
		if (entry.is_remounted && !journal->is_orphan)
			journal->events.directory(
			        journal->ctx, entry.settled->path, CAUSE_BASELINE);
		if (entry.is_new_directory && !journal->is_orphan)
			journal->events.directory(
			        journal->ctx, entry.settled->path, entry.settled->cause);
		if (entry.is_old_new_directory && !journal->is_orphan)
			journal->events.directory(
			        journal->ctx, entry.settled->old_path, entry.settled->cause);
	}
}

static void touch_footing(struct journal *journal, struct slice path, enum event_cause cause)
{
	struct touch touch = {
	        .path = footing_of(journal->filter, path),
	        .hints = TOUCH_DONE | TOUCH_DIRECTORY,
	        .cause = cause,
	};
	settle_touch(journal->settle, &touch, loop_now_ms(journal->loop));
}

/* Directories of what was seen before they were: see find_footing in journal_write.c. */
static void touch_footings(struct journal *journal, const struct journal_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct batch_entry *entry = &batch->entry[i];
		const struct settled *settled = entry->settled;
		if (entry->lacks_footing)
			touch_footing(journal, settled->path, settled->cause);
		if (!entry->old_lacks_footing)
			continue;
		touch_footing(journal, settled->old_path, settled->cause);
		struct touch touch = {
		        .path = settled->old_path, .hints = TOUCH_DONE, .cause = settled->cause};
		settle_touch(journal->settle, &touch, loop_now_ms(journal->loop));
	}
}

void journal_touch(struct journal *journal, struct slice path, unsigned hints)
{
	struct touch touch = {.path = path, .hints = hints, .cause = CAUSE_LIVE};
	settle_touch(journal->settle, &touch, loop_now_ms(journal->loop));
}

/* Without TOUCH_DONE: a long comparison is not to have the same files read over and over. */
static void touch_compared(struct journal *journal, const struct overlap *paths)
{
	if (!journal->events.is_compared)
		return;
	for (size_t i = 0; i < paths->run_count; i++) {
		const struct overlap_run *run = &paths->run[i];
		if (!journal->events.is_compared(journal->ctx, run->dir, (struct slice){0}))
			continue;
		for (size_t j = run->first; j < run->first + run->count; j++)
			if (journal->events.is_compared(journal->ctx, run->dir, paths->path[j]))
				journal_touch(journal, paths->path[j], 0);
	}
}

static void finish_written(struct journal *journal, struct journal_batch *batch)
{
	uint64_t now = loop_now_ms(journal->loop);
	uint64_t events = batch->events;
	bool was_stuck = journal->stuck_ms > 0;
	journal->stuck_ms = journal->paused_ms = 0;
	journal->unreleased += batch->count;
	if (journal->unreleased >= RELEASE_PATHS) {
		journal->unreleased = 0;
		kv_release_pages(state_kv(journal->state)); /* a scan touches most of the map */
	}
	report_directories(journal, batch);
	if (journal->is_orphan)
		return;
	touch_footings(journal, batch);
	touch_compared(journal, &batch->paths);
	for (size_t i = 0; i < batch->count; i++)
		settle_finish(
		        journal->settle, batch->entry[i].settled, batch->entry[i].again_ms, now);
	journal->writing = NULL;
	if (was_stuck)
		journal->events.unstuck(journal->ctx);
	if (!journal->is_orphan)
		journal->events.committed(journal->ctx, events);
}

static void begin_writing(struct journal *journal);

static void write_done(void *ctx)
{
	struct journal *journal = ctx;
	struct journal_batch *batch = journal->writing;
	if (!come_back(journal))
		return;
	journal->under_way++; /* the callbacks may free the journal */
	struct explainer *explainer = batch->explainer;
	batch->explainer = NULL;
	if (explainer && batch->rc == 0)
		explainer->told(explainer, &batch->tally);
	explainer_drop(explainer);
	if (batch->rc < 0)
		finish_failed(journal, batch);
	else
		finish_written(journal, batch);
	if (!come_back(journal))
		return;
	if (journal->reading && journal->parts_left == 0 && !journal->writing)
		begin_writing(journal);
	journal_step(journal);
}

static void begin_writing(struct journal *journal)
{
	struct journal_batch *batch = journal->reading;
	assert(!journal->writing);
	journal->reading = NULL;
	journal->writing = batch;
	judge_moving(journal, batch);
	journal_give_notes(journal, batch);
	begin_work(journal, write_work, write_done, journal);
}

/* --- a batch is read ------------------------------------------------------------------------- */

static void read_work(void *ctx)
{
	struct part *part = ctx;
	struct journal_batch *batch = part->journal->reading;
	struct batch_reader reader = {
	        .prober = part->prober,
	        .budget = part->journal->limits.budget,
	        .copier = part->copier,
	        .arena = part->arena[batch - part->journal->batch],
	};
	batch_read(batch, &reader);
	end_work(part->journal);
}

static void read_done(void *ctx)
{
	struct part *part = ctx;
	struct journal *journal = part->journal;
	if (!come_back(journal))
		return;
	if (--journal->parts_left > 0)
		return;
	if (!journal->writing)
		begin_writing(journal);
	journal_step(journal);
}

static struct journal_batch *free_batch(struct journal *journal)
{
	return journal->writing == &journal->batch[0] ? &journal->batch[1] : &journal->batch[0];
}

static bool is_gathering(const struct journal *journal, uint64_t now_ms)
{
	return burst_is_gathering(&journal->burst, settle_count(journal->settle), now_ms);
}

static size_t count_live(const struct settled *const *taken, size_t count)
{
	size_t live = 0;
	for (size_t i = 0; i < count; i++)
		live += taken[i]->cause == CAUSE_LIVE;
	return live;
}

static bool begin_reading(struct journal *journal, uint64_t now_ms)
{
	size_t most = journal->is_waiting ? 0 : journal->limits.batch_paths;
	size_t count = settle_take(journal->settle, now_ms, journal->taken, most);
	bool has_only_notes = count == 0 && journal_has_notes(journal) && !journal->writing;
	if (count == 0 && !has_only_notes)
		return false;
	burst_add(&journal->burst, count_live(journal->taken, count), now_ms);
	struct journal_batch *batch = free_batch(journal);
	batch_begin(batch, count);
	for (size_t i = 0; i < count; i++) {
		batch->entry[i].settled = journal->taken[i];
		overlap_add(&batch->paths, journal->taken[i]->path);
		if (journal->taken[i]->old_path.ptr)
			overlap_add(&batch->paths, journal->taken[i]->old_path);
	}
	batch->explainer = count > 0 ? explainer_keep(journal->explainer) : NULL;
	journal->reading = batch;
	if (count == 0) {
		begin_writing(journal);
		return true;
	}
	size_t parts = (count + PATHS_A_WORKER - 1) / PATHS_A_WORKER;
	if (parts > journal->limits.workers)
		parts = journal->limits.workers;
	journal->parts_left = (unsigned)parts;
	for (size_t i = 0; i < parts; i++)
		begin_work(journal, read_work, read_done, &journal->part[i]);
	return true;
}

static void set_timer(struct journal *journal, uint64_t now_ms)
{
	uint64_t next = journal->is_waiting ? UINT64_MAX : settle_next_ms(journal->settle);
	if (journal_has_notes(journal))
		next = 0;
	if (next < journal->paused_ms)
		next = journal->paused_ms;
	if (next < journal->burst.until_ms && is_gathering(journal, now_ms))
		next = journal->burst.until_ms;
	if (next == UINT64_MAX || journal->is_held) {
		timer_stop(journal->timer);
		return;
	}
	if (timer_is_active(journal->timer) && journal->timer_ms == next)
		return;
	journal->timer_ms = next;
	timer_start(journal->timer, next > now_ms ? next - now_ms : 0, 0);
}

void journal_step(struct journal *journal)
{
	uint64_t now = loop_now_ms(journal->loop);
	if (journal->reading)
		return; /* its end comes here again */
	bool may_begin = !journal->is_held && now >= journal->paused_ms &&
	                 !is_gathering(journal, now);
	if (may_begin && !journal->is_waiting && settle_next_ms(journal->settle) <= now &&
	        journal->events.reading)
		journal->events.reading(journal->ctx);
	if (journal->reading)
		return; /* what was said there has begun one */
	if (may_begin && begin_reading(journal, now))
		return;
	if (may_begin && journal->writing && journal_has_notes(journal))
		return; /* written when that is over */
	set_timer(journal, now);
}
