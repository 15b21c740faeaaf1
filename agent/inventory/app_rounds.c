#include "agent/inventory/app_rounds.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/apps/app.h"
#include "agent/inventory/app_commit.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define RETRY_MS 60000 /* after a job that could not be written (disk full) */
#define REST     20    /* times most_ms: between two walks that were asked for */

/* Paths, each once. */
struct touched {
	struct slice path[APP_TOUCHED_MAX]; /* owned */
	size_t count;
};

/* One job on its way to its thread and back. */
struct job {
	struct app_rounds *rounds;
	pthread_t thread;
	struct touched *touched; /* NULL: a walk of everything */
	struct app_bases bases;
	struct app_commit commit;
	atomic_bool is_stopping, is_over;
	struct app_tally tally;
	bool is_capped;
	int64_t began_ns;
	int rc;
	struct reason why;
};

struct app_rounds {
	struct loop *loop;
	struct state *state;
	struct app_rounds_options options;
	void (*committed)(void *ctx, uint64_t events);
	void *ctx;
	struct timer *round; /* the next walk */
	struct timer *quiet; /* the next look at what was touched */
	struct waker *waker;
	struct job *job;           /* under way */
	struct touched *touched;   /* NULL: nothing */
	struct app_bases bases;    /* of the last walk that was begun */
	uint64_t first_touched_ms; /* of those that wait */
	uint64_t last_walk_ms;
	uint64_t asked_ms; /* when a walk was asked for to begin; 0: none was */
	bool is_started, is_held, is_walk_due, is_look_due, has_walked;
	bool is_touched_all; /* the walk that was asked for stands for what is touched */
	struct app_rounds_status status;
};

static void begin(struct app_rounds *rounds);

/* --- when ------------------------------------------------------------------------------------- */

static uint64_t interval_ms(const struct app_rounds *rounds)
{
	return (uint64_t)(rounds->options.interval_ns / NS_PER_MS);
}

/* A walk that was asked for is not put off. */
static void set_round(struct app_rounds *rounds, uint64_t after_ms)
{
	uint64_t now_ms = loop_now_ms(rounds->loop), at_ms = now_ms + after_ms;
	if (rounds->asked_ms > 0 && rounds->asked_ms < at_ms)
		at_ms = rounds->asked_ms;
	timer_start(rounds->round, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

void app_rounds_ask(struct app_rounds *rounds)
{
	uint64_t most_ms = rounds->options.most_ms;
	uint64_t soon_ms = loop_now_ms(rounds->loop) + most_ms;
	uint64_t rested_ms = rounds->last_walk_ms + REST * most_ms;
	bool is_next = rounds->is_walk_due || rounds->asked_ms > 0;
	if (!rounds->is_started || rounds->options.path_count == 0 || is_next)
		return;
	rounds->asked_ms = soon_ms > rested_ms ? soon_ms : rested_ms;
	set_round(rounds, interval_ms(rounds));
}

/* --- touched paths ---------------------------------------------------------------------------- */

static void touched_free(struct touched *touched)
{
	for (size_t i = 0; touched && i < touched->count; i++)
		free((void *)touched->path[i].ptr);
	free(touched);
}

/* False when there is no room. */
static bool touched_add(struct touched **touched, struct slice path)
{
	if (!*touched)
		*touched = mem_new(sizeof(**touched));
	struct touched *all = *touched;
	for (size_t i = all->count; i-- > 0;)
		if (slice_equal(all->path[i], path))
			return true;
	if (all->count == APP_TOUCHED_MAX)
		return false;
	all->path[all->count++] = slice_of(mem_copy_text(path.ptr, path.len), path.len);
	return true;
}

/* --- the job, on its thread ------------------------------------------------------------------- */

static void set_idle_io(void)
{
	const int CLASS_IDLE = 3, CLASS_SHIFT = 13, WHO_PROCESS = 1; /* ioprio_set(2) */
	syscall(SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE << CLASS_SHIFT);
}

static void look(struct job *job, struct app_walk *walk)
{
	if (!job->touched) {
		app_walk_all(walk);
	} else {
		job->commit.path = job->touched->path;
		job->commit.path_count = job->touched->count;
		for (size_t i = 0; i < job->touched->count; i++)
			app_walk_path(walk, job->touched->path[i]);
	}
	app_walk_end(walk);
}

static void *work(void *ctx)
{
	struct job *job = ctx;
	struct app_rounds *rounds = job->rounds;
	struct app_walk walk;
	struct app_walk_options options = {
	        .root = rounds->options.root,
	        .bases = &job->bases,
	        .state = rounds->state,
	        .budget = rounds->options.budget,
	        .is_stopping = &job->is_stopping,
	};
	set_idle_io();
	app_walk_init(&walk, &options);
	look(job, &walk);
	job->rc = walk.rc;
	job->why = walk.why;
	if (walk.rc == 0)
		job->rc = app_commit_run(&job->commit, &walk, &job->why);
	job->tally = walk.tally;
	job->is_capped = walk.is_capped;
	app_walk_fini(&walk);
	kv_rest(state_kv(rounds->state));
	malloc_trim(0); /* the next is a day away */
	atomic_store(&job->is_over, true);
	waker_wake(rounds->waker);
	return NULL;
}

/* --- and back --------------------------------------------------------------------------------- */

static void job_free(struct job *job)
{
	touched_free(job->touched);
	app_bases_fini(&job->bases);
	free(job);
}

static void set_why(struct app_rounds *rounds, const char *why)
{
	if (*why && strcmp(why, rounds->status.why) != 0)
		log_warn("application packages are incomplete: %s", why);
	snprintf(rounds->status.why, sizeof(rounds->status.why), "%s", why);
}

static void take_walk(struct app_rounds *rounds, const struct job *job)
{
	struct app_rounds_status *status = &rounds->status;
	const struct app_tally *tally = &job->tally;
	char why[REASON_MAX] = "";
	if (job->is_capped)
		snprintf(why, sizeof(why),
		        "there are more than %zu files with application packages, or that may be "
		        "some: not all were looked at",
		        tally->markers);
	if (tally->complaints > 0 && tally->complaints != status->complaints)
		log_warn("application packages: files=%zu cannot be read, the first: %s",
		        tally->complaints, tally->complaint);
	log_info("application packages: packages=%lld files=%zu looked_at=%zu opened=%zu ms=%lld",
	        (long long)job->commit.packages, tally->files, tally->looked_at, tally->opened,
	        (long long)((clock_wall_ns() - job->began_ns) / NS_PER_MS));
	status->complaints = tally->complaints;
	status->last_walk_ns = job->began_ns;
	status->packages = (size_t)job->commit.packages;
	set_why(rounds, why);
	rounds->has_walked = true;
	if (rounds->options.path_count > 0)
		set_round(rounds, interval_ms(rounds));
}

static void take(struct app_rounds *rounds, const struct job *job)
{
	rounds->status.opened += job->tally.opened;
	if (job->rc < 0) {
		set_why(rounds, job->why.text);
		set_round(rounds, job->rc == ERR_LIMIT ? interval_ms(rounds) : RETRY_MS);
	} else if (!job->touched) {
		take_walk(rounds, job);
	} else {
		rounds->status.packages += (size_t)job->commit.packages;
		log_debug("application packages: touched=%zu opened=%zu events=%llu",
		        job->touched->count, job->tally.opened,
		        (unsigned long long)job->commit.events);
	}
}

static void on_woken(void *ctx)
{
	struct app_rounds *rounds = ctx;
	struct job *job = rounds->job;
	if (!job || !atomic_load(&job->is_over))
		return;
	pthread_join(job->thread, NULL);
	rounds->job = NULL;
	if (!job->touched)
		rounds->last_walk_ms = loop_now_ms(rounds->loop);
	take(rounds, job);
	int rc = job->rc;
	uint64_t events = job->commit.events;
	job_free(job);
	begin(rounds);
	if (rc == 0)
		rounds->committed(rounds->ctx, events);
}

/* --- beginning -------------------------------------------------------------------------------- */

static struct job *job_of_walk(struct app_rounds *rounds)
{
	const struct app_rounds_options *options = &rounds->options;
	struct job *job = mem_new(sizeof(*job));
	rounds->is_walk_due = rounds->is_touched_all = rounds->is_look_due = false;
	rounds->asked_ms = rounds->first_touched_ms = 0;
	timer_stop(rounds->round);
	timer_stop(rounds->quiet);
	touched_free(rounds->touched);
	rounds->touched = NULL;
	app_bases_fini(&rounds->bases);
	app_bases_init(&rounds->bases, options->root, options->path, options->path_count);
	job->commit.cause = rounds->has_walked ? CAUSE_LIVE : CAUSE_OFFLINE;
	return job;
}

static struct job *job_of_touched(struct app_rounds *rounds)
{
	struct job *job = mem_new(sizeof(*job));
	rounds->is_look_due = false;
	job->touched = rounds->touched;
	rounds->touched = NULL;
	job->commit.cause = CAUSE_LIVE;
	return job;
}

static void copy_bases(const struct app_bases *from, struct app_bases *to)
{
	to->path = mem_new_array(from->count + 1, sizeof(*to->path));
	for (to->count = 0; to->count < from->count; to->count++)
		to->path[to->count] = mem_copy_text(
		        from->path[to->count], strlen(from->path[to->count]));
}

static void begin(struct app_rounds *rounds)
{
	if (!rounds->is_started || rounds->is_held || rounds->job)
		return;
	struct job *job = NULL;
	if (rounds->is_walk_due)
		job = job_of_walk(rounds);
	else if (rounds->is_look_due && rounds->touched && rounds->has_walked)
		job = job_of_touched(rounds);
	if (!job)
		return;
	job->rounds = rounds;
	job->began_ns = job->commit.now_ns = clock_wall_ns();
	copy_bases(&rounds->bases, &job->bases);
	int rc = pthread_create(&job->thread, NULL, work, job);
	if (rc == 0) {
		rounds->job = job;
		return;
	}
	log_warn("cannot look for application packages: %s", err_text(-rc));
	job_free(job);
	set_round(rounds, RETRY_MS);
}

static void on_round(void *ctx)
{
	struct app_rounds *rounds = ctx;
	rounds->is_walk_due = true;
	begin(rounds);
}

static void on_quiet(void *ctx)
{
	struct app_rounds *rounds = ctx;
	rounds->first_touched_ms = 0;
	rounds->is_look_due = true;
	begin(rounds);
}

static void wait_for_quiet(struct app_rounds *rounds)
{
	uint64_t now_ms = loop_now_ms(rounds->loop);
	uint64_t wait_ms = rounds->options.quiet_ms;
	if (rounds->first_touched_ms == 0)
		rounds->first_touched_ms = now_ms;
	uint64_t last_ms = rounds->first_touched_ms + rounds->options.most_ms;
	if (now_ms + wait_ms > last_ms)
		wait_ms = last_ms > now_ms ? last_ms - now_ms : 0;
	timer_start(rounds->quiet, wait_ms, 0);
}

/* Whoever unpacks a tree of 100 000 files is met with one walk when it is done, or two. */
static void walk_instead(struct app_rounds *rounds)
{
	touched_free(rounds->touched);
	rounds->touched = NULL;
	timer_stop(rounds->quiet);
	rounds->first_touched_ms = 0;
	rounds->is_look_due = false;
	rounds->is_touched_all = true;
	app_rounds_ask(rounds);
}

/* What a directory's own times say is no news of what it holds, so it is asked for only as a whole.
 * A walk that is to begin needs no word of what it will see. */
void app_rounds_touched(struct app_rounds *rounds, struct slice path, bool is_directory)
{
	bool is_seen_anyway = rounds->is_walk_due || rounds->is_touched_all;
	if (is_seen_anyway || !app_bases_of(&rounds->bases, path))
		return;
	if (!is_directory && !app_reader_of(path, S_IFREG | 0755))
		return;
	if (touched_add(&rounds->touched, path))
		wait_for_quiet(rounds);
	else
		walk_instead(rounds);
}

/* --- life ------------------------------------------------------------------------------------- */

struct app_rounds *app_rounds_new(struct loop *loop, struct state *state,
        const struct app_rounds_options *options, void (*committed)(void *ctx, uint64_t events),
        void *ctx)
{
	struct app_rounds *rounds = mem_new(sizeof(*rounds));
	rounds->loop = loop;
	rounds->state = state;
	rounds->options = *options;
	if (rounds->options.quiet_ms == 0)
		rounds->options.quiet_ms = APP_QUIET_MS;
	if (rounds->options.most_ms == 0)
		rounds->options.most_ms = APP_MOST_MS;
	rounds->committed = committed;
	rounds->ctx = ctx;
	rounds->round = timer_new(loop, on_round, rounds);
	rounds->quiet = timer_new(loop, on_quiet, rounds);
	rounds->waker = waker_new(loop, on_woken, rounds);
	return rounds;
}

void app_rounds_free(struct app_rounds *rounds)
{
	if (!rounds)
		return;
	if (rounds->job) {
		atomic_store(&rounds->job->is_stopping, true);
		pthread_join(rounds->job->thread, NULL);
		job_free(rounds->job);
	}
	timer_free(rounds->round);
	timer_free(rounds->quiet);
	waker_free(rounds->waker);
	touched_free(rounds->touched);
	app_bases_fini(&rounds->bases);
	free(rounds);
}

static bool is_anything_known(struct app_rounds *rounds)
{
	struct kv_txn *txn;
	if (kv_begin_read(state_kv(rounds->state), &txn) < 0)
		return true;
	bool is_known = appbook_count(txn) > 0;
	kv_abort(txn);
	return is_known;
}

void app_rounds_start(struct app_rounds *rounds)
{
	rounds->is_started = true;
	rounds->is_walk_due = rounds->options.path_count > 0 || is_anything_known(rounds);
	begin(rounds);
}

void app_rounds_hold(struct app_rounds *rounds, bool hold)
{
	rounds->is_held = hold;
	begin(rounds);
}

void app_rounds_status(const struct app_rounds *rounds, struct app_rounds_status *out)
{
	*out = rounds->status;
}
