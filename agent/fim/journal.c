#include "agent/fim/journal.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "agent/fim/footing.h"
#include "agent/fim/journal_batch.h"
#include "agent/fim/tries.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define HASH_LIMIT_DEFAULT  (1ULL << 30)
#define BATCH_PATHS_DEFAULT 1024
#define BATCH_PATHS_MAX     4096
#define WORKERS_DEFAULT     2
#define WORKERS_MAX         8
#define RELEASE_PATHS       1024 /* written, until the store's pages are given back */
#define PATHS_A_WORKER      16   /* a batch of fewer is not worth a second thread */
#define READER_BYTES_MAX    (64u << 20)

#define MOVING_AGAIN_MS  200
#define MOVING_TRIES_MAX 10
#define STUCK_MIN_MS     1000
#define STUCK_MAX_MS     30000

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
	struct part part[WORKERS_MAX];
	unsigned parts_left; /* readers at work */
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

	bool is_orphan;     /* freed; the last step that comes back frees the memory */
	unsigned under_way; /* steps that have not come back to the loop */
	pthread_mutex_t mutex;
	pthread_cond_t is_quiet;
	unsigned at_work; /* guarded by mutex: workers that may touch state, settle, filter */
	atomic_bool is_stopping;
};

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

static void release(struct journal *journal)
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
		release(journal);
	return false;
}

/* --- files that keep changing ---------------------------------------------------------------- */

/* Files that changed under the reader wait, up to a point; then they are told as they are. */
static void judge_moving(struct journal *journal, struct journal_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct batch_entry *entry = &batch->entry[i];
		if (entry->again_ms > 0 || entry->is_refused)
			continue;
		if (batch_is_moving(entry) &&
		        tries_add(&journal->moving, entry->settled->path) < MOVING_TRIES_MAX)
			entry->again_ms = MOVING_AGAIN_MS;
		else
			tries_forget(&journal->moving, entry->settled->path);
	}
}

/* --- a batch is written ---------------------------------------------------------------------- */

static void step(struct journal *journal);

static void write_work(void *ctx)
{
	struct journal *journal = ctx;
	batch_write(journal->writing);
	end_work(journal);
}

/* Before what came meanwhile. */
static void put_back(struct buf *later, struct buf *earlier)
{
	buf_append_slice(earlier, buf_slice(later));
	struct buf both = *earlier;
	*earlier = *later;
	*later = both;
	buf_reset(earlier);
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
	put_back(&journal->notes, &batch->notes);
	put_back(&journal->marks, &batch->marks);
	put_back(&journal->metas, &batch->metas);
	journal->writing = NULL;
	struct reason why = batch->why;
	if (!was_stuck)
		journal->events.stuck(journal->ctx, batch->rc, &why);
}

/* While settle still holds the paths, and `writing` still keeps the batch from being used again by
 * a kick from the callbacks. */
static void report_directories(struct journal *journal, const struct journal_batch *batch)
{
	for (size_t i = 0; i < batch->count && !journal->is_orphan; i++) {
		struct batch_entry entry = batch->entry[i];
		if (entry.again_ms > 0)
			continue;
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

static void touch_soon(struct journal *journal, struct slice path, unsigned hints)
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
				touch_soon(journal, paths->path[j], 0);
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
	step(journal);
}

static void begin_writing(struct journal *journal)
{
	struct journal_batch *batch = journal->reading;
	assert(!journal->writing);
	journal->reading = NULL;
	journal->writing = batch;
	judge_moving(journal, batch);
	put_back(&batch->notes, &journal->notes);
	put_back(&batch->marks, &journal->marks);
	put_back(&batch->metas, &journal->metas);
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
	step(journal);
}

static bool has_notes(const struct journal *journal)
{
	return journal->notes.len > 0 || journal->marks.len > 0 || journal->metas.len > 0;
}

static struct journal_batch *free_batch(struct journal *journal)
{
	return journal->writing == &journal->batch[0] ? &journal->batch[1] : &journal->batch[0];
}

static bool begin_reading(struct journal *journal, uint64_t now_ms)
{
	size_t most = journal->is_waiting ? 0 : journal->limits.batch_paths;
	size_t count = settle_take(journal->settle, now_ms, journal->taken, most);
	bool has_only_notes = count == 0 && has_notes(journal) && !journal->writing;
	if (count == 0 && !has_only_notes)
		return false;
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
	if (has_notes(journal))
		next = 0;
	if (next < journal->paused_ms)
		next = journal->paused_ms;
	if (next == UINT64_MAX || journal->is_held) {
		timer_stop(journal->timer);
		return;
	}
	if (timer_is_active(journal->timer) && journal->timer_ms == next)
		return;
	journal->timer_ms = next;
	timer_start(journal->timer, next > now_ms ? next - now_ms : 0, 0);
}

static void step(struct journal *journal)
{
	uint64_t now = loop_now_ms(journal->loop);
	if (journal->reading)
		return; /* its end comes here again */
	bool may_begin = !journal->is_held && now >= journal->paused_ms;
	if (may_begin && begin_reading(journal, now))
		return;
	if (may_begin && journal->writing && has_notes(journal))
		return; /* written when that is over */
	set_timer(journal, now);
}

static void on_timer(void *ctx)
{
	step(ctx);
}

/* --- public ---------------------------------------------------------------------------------- */

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
	if (own->workers > WORKERS_MAX)
		own->workers = WORKERS_MAX;
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
	for (unsigned i = 0; i < journal->limits.workers; i++) {
		struct part *part = &journal->part[i];
		part->journal = journal;
		part->prober = prober_new(journal->limits.hash_limit_bytes);
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
		release(journal);
}

void journal_kick(struct journal *journal)
{
	step(journal);
}

void journal_hold(struct journal *journal, bool hold)
{
	journal->is_held = hold;
	step(journal);
}

void journal_wait(struct journal *journal, bool wait)
{
	journal->is_waiting = wait;
	step(journal);
}

void journal_explain(struct journal *journal, struct explainer *explainer)
{
	explainer_keep(explainer);
	explainer_drop(journal->explainer);
	journal->explainer = explainer;
}

static void touch_again(void *ctx, struct slice path)
{
	touch_soon(ctx, path, TOUCH_DONE);
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
	for (size_t i = 0; i < 2; i++)
		batch_rest(&journal->batch[i]);
	for (unsigned i = 0; i < journal->limits.workers; i++) {
		prober_rest(journal->part[i].prober);
		copier_rest(journal->part[i].copier);
		arena_rest(journal->part[i].arena[0]);
		arena_rest(journal->part[i].arena[1]);
	}
}

static void append_counted(struct buf *out, struct slice bytes)
{
	buf_append_u32(out, (uint32_t)bytes.len);
	buf_append_slice(out, bytes);
}

void journal_note(struct journal *journal, const struct event *event)
{
	struct buf bytes = BUF_INIT;
	struct event note = *event;
	if (note.detail.len > WIRE_TEXT_MAX)
		note.detail.len = WIRE_TEXT_MAX;
	int rc = wire_event_encode(&note, &bytes);
	if (rc < 0)
		log_error("cannot note '%s': %s", event_action_name(event->action), err_text(rc));
	else
		append_counted(&journal->notes, buf_slice(&bytes));
	buf_fini(&bytes);
}

void journal_mark_baselined(struct journal *journal, struct slice path)
{
	append_counted(&journal->marks, path);
}

void journal_remember(struct journal *journal, struct slice name, struct slice value)
{
	append_counted(&journal->metas, name);
	append_counted(&journal->metas, value);
}

static bool is_marked(const struct buf *marks, struct slice wanted)
{
	struct slice rest = buf_slice(marks), path;
	uint32_t len;
	while (slice_take_u32(&rest, &len) && slice_take(&rest, len, &path)) {
		if (slice_equal(path, wanted))
			return true;
	}
	return false;
}

bool journal_is_baselined(const struct journal *journal, struct slice path)
{
	struct kv_txn *txn;
	struct slice value;
	char name[BASELINED_NAME_MAX];
	if (is_marked(&journal->marks, path) ||
	        (journal->writing && is_marked(&journal->writing->marks, path)))
		return true;
	if (kv_begin_read(state_kv(journal->state), &txn) < 0)
		return false;
	batch_baselined_name(path, name);
	bool is_known = state_meta_get(txn, name, &value) == 0;
	kv_abort(txn);
	return is_known;
}

bool journal_is_idle(const struct journal *journal)
{
	return !journal->reading && !journal->writing && !has_notes(journal);
}
