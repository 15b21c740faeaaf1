#include "agent/packages/packages.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/packages/breath.h"
#include "agent/packages/manager.h"
#include "agent/packages/survey.h"
#include "agent/packages/teller.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define QUIET_MS_DEFAULT 300
#define MOST_MS_DEFAULT  (15ull * 60 * 1000)
#define NEAR_FACTOR      5 /* a front end calls its package manager again soon */
#define TELL_MS          (5ull * 60 * 1000)
#define RETRY_MS         (10ull * 60 * 1000)

enum phase { IDLE, RUNNING, SURVEYING, TELLING };

struct packages {
	struct loop *loop;
	struct state *state;
	const struct manager *manager;
	char *root; /* "" for "/" */
	struct packages_limits limits;
	struct packages_events events;
	void *ctx;

	struct signs *signs;
	int kept;            /* of the manager, to find the holder of its lock */
	struct timer *quiet; /* until a survey */
	struct breath *breath;
	struct timer *most; /* until what waits, or is waited for, is not waited for any longer */

	enum phase phase;
	bool is_waiting;   /* reading is, for a run */
	bool is_due;       /* something was seen since the last survey began */
	bool is_lock_seen; /* it was held since the last run was summed up */
	bool is_overdue;   /* the last survey was made in the middle of a run */
	bool is_starting;  /* what was done while the agent was down is not yet told */
	bool is_warned;

	struct survey *survey; /* under way, or the last one, until it is over */
	struct explainer *explainer;
	const struct manifest *manifest; /* the explainer's */
	uint32_t told[EXPLAINED_MAX + 1];

	pthread_mutex_t mutex;
	pthread_cond_t is_quiet;
	bool is_at_work;   /* guarded by mutex */
	bool is_under_way; /* a survey that has not come back to the loop */
	bool is_orphan;
};

static void advance(struct packages *packages);

static enum manager_holder find_holder(struct packages *packages, pid_t *out_pid)
{
	return packages->manager->holder(packages->root, &packages->kept, out_pid);
}

/* --- saying ---------------------------------------------------------------------------------- */

static void note(struct packages *packages, enum event_kind kind, enum event_action action,
        struct slice path, struct slice detail, const struct transaction *transaction)
{
	struct event event = {
	        .time_ns = clock_wall_ns(),
	        .kind = kind,
	        .action = action,
	        .cause = packages->is_starting ? CAUSE_OFFLINE : CAUSE_LIVE,
	        .path = path,
	        .detail = detail,
	        .transaction = transaction,
	};
	packages->events.note(packages->ctx, &event);
}

static void warn_of_stranger(struct packages *packages, pid_t pid)
{
	char detail[REASON_MAX];
	if (packages->is_warned)
		return;
	packages->is_warned = true;
	snprintf(detail, sizeof(detail),
	        "process %d holds %s's lock and is no package manager: nothing waits for it",
	        (int)pid, packages->manager->name);
	log_warn("%s", detail);
	note(packages, EVENT_AGENT, ACTION_DEGRADED, (struct slice){0}, slice_text(detail), NULL);
	packages->events.noted(packages->ctx);
}

static void note_unlogged(struct packages *packages, const struct survey *survey)
{
	size_t count = survey->unlogged_count;
	char more[REASON_MAX];
	for (size_t i = 0; i < count && i < UNLOGGED_MAX; i++) {
		const struct unlogged *one = &survey->unlogged[i];
		if (!one->path.ptr || !one->detail.ptr)
			continue;
		log_warn("'%.*s': %.*s", SLICE_ARG(one->path), SLICE_ARG(one->detail));
		note(packages, EVENT_TRANSACTION, ACTION_UNLOGGED, one->path, one->detail, NULL);
	}
	if (count <= UNLOGGED_MAX)
		return;
	snprintf(more, sizeof(more),
	        "%zu more changes of the database of %s that no run accounts for",
	        count - UNLOGGED_MAX, packages->manager->name);
	note(packages, EVENT_TRANSACTION, ACTION_UNLOGGED, survey->unlogged[0].path,
	        slice_text(more), NULL);
}

static void remember(struct packages *packages, const struct survey *survey)
{
	struct slice rest = buf_slice(&survey->puts), name, value;
	uint32_t len;
	while (slice_take_u32(&rest, &len) && slice_take(&rest, len, &name) &&
	        slice_take_u32(&rest, &len) && slice_take(&rest, len, &value))
		packages->events.remember(packages->ctx, name, value);
}

static void note_summary(struct packages *packages, const struct survey *survey)
{
	const struct run *run = manifest_run(packages->manifest);
	struct transaction transaction = {
	        .id = survey->id,
	        .manager = slice_text(packages->manager->name),
	        .packages = run_count(run, RUN_UNPACKED),
	};
	struct buf detail = BUF_INIT;
	memcpy(transaction.events, packages->told, sizeof(transaction.events));
	teller_summarize(packages->manager, run, packages->told, &detail);
	log_info("%s", buf_text(&detail));
	note(packages, EVENT_TRANSACTION, ACTION_COMPLETED, (struct slice){0}, buf_slice(&detail),
	        &transaction);
	buf_fini(&detail);
}

/* --- waiting --------------------------------------------------------------------------------- */

static void begin_waiting(struct packages *packages)
{
	if (packages->is_waiting)
		return;
	packages->is_waiting = true;
	timer_start(packages->most, packages->limits.most_ms, 0);
	packages->events.wait(packages->ctx, true);
}

static void end_waiting(struct packages *packages)
{
	if (!packages->is_waiting)
		return;
	packages->is_waiting = false;
	timer_stop(packages->most);
	if (!breath_is_held(packages->breath))
		packages->events.wait(packages->ctx, false);
}

/* --- explaining ------------------------------------------------------------------------------ */

static void on_told(void *ctx, const uint32_t events[EXPLAINED_MAX + 1])
{
	struct packages *packages = ctx;
	for (size_t i = 0; i <= EXPLAINED_MAX; i++)
		packages->told[i] += events[i];
}

/* Takes over the survey's manifest; NULL: nobody explains any more. */
static void set_explainer(struct packages *packages, struct survey *survey)
{
	struct explainer *old = packages->explainer;
	packages->explainer = NULL;
	packages->manifest = NULL;
	if (survey && survey->manifest) {
		packages->manifest = survey->manifest;
		packages->explainer = teller_new(
		        packages->manager, survey->manifest, survey->id, on_told, packages);
		survey->manifest = NULL;
	}
	if (old || packages->explainer)
		packages->events.explain(packages->ctx, packages->explainer);
	explainer_drop(old);
}

/* --- a run is over --------------------------------------------------------------------------- */

static void drop_survey(struct packages *packages)
{
	survey_free(packages->survey);
	packages->survey = NULL;
}

/* Summary, and where the next one begins: one transaction. */
static void finish(struct packages *packages)
{
	if (packages->survey->is_first && !packages->survey->is_absent)
		log_info("what %s did is explained from now on", packages->manager->name);
	if (packages->manifest)
		note_summary(packages, packages->survey);
	note_unlogged(packages, packages->survey);
	remember(packages, packages->survey);
	memset(packages->told, 0, sizeof(packages->told));
	timer_stop(packages->most);
	drop_survey(packages);
	set_explainer(packages, NULL);
	packages->is_starting = false;
	packages->is_lock_seen = false;
	packages->is_warned = false;
	packages->phase = IDLE;
	packages->events.noted(packages->ctx);
}

/* --- surveys --------------------------------------------------------------------------------- */

static void survey_work(void *ctx)
{
	struct packages *packages = ctx;
	survey_make(packages->survey);
	pthread_mutex_lock(&packages->mutex);
	packages->is_at_work = false;
	pthread_cond_broadcast(&packages->is_quiet);
	pthread_mutex_unlock(&packages->mutex);
}

static void release(struct packages *packages)
{
	pthread_cond_destroy(&packages->is_quiet);
	pthread_mutex_destroy(&packages->mutex);
	free(packages->root);
	free(packages);
}

/* It is tried again: what waits then goes on unexplained, and the mark stays where it is. */
static void give_up(struct packages *packages)
{
	char detail[REASON_MAX];
	snprintf(detail, sizeof(detail), "runs of %s cannot be explained: %.400s",
	        packages->manager->name, packages->survey->why.text);
	log_error("%s", detail);
	if (!packages->is_warned)
		note(packages, EVENT_AGENT, ACTION_DEGRADED, (struct slice){0}, slice_text(detail),
		        NULL);
	packages->is_warned = true;
	drop_survey(packages);
	packages->phase = IDLE;
	packages->events.noted(packages->ctx);
	end_waiting(packages);
	timer_start(packages->quiet, RETRY_MS, 0);
}

static void look_after_quiet(struct packages *packages, enum manager_holder holder)
{
	uint64_t quiet_ms = packages->limits.quiet_ms;
	timer_start(
	        packages->quiet, holder == HOLDER_IS_NEAR ? quiet_ms * NEAR_FACTOR : quiet_ms, 0);
}

/* More was done while the survey was made: nothing that waits is let go for it to be told wrong. */
static void go_on_waiting(struct packages *packages)
{
	pid_t pid;
	enum manager_holder holder = find_holder(packages, &pid);
	packages->phase = RUNNING;
	if (holder != HOLDER_WORKS)
		look_after_quiet(packages, holder);
}

static void survey_done(void *ctx)
{
	struct packages *packages = ctx;
	packages->is_under_way = false;
	if (packages->is_orphan) {
		release(packages);
		return;
	}
	if (packages->survey->rc < 0) {
		give_up(packages);
		return;
	}
	set_explainer(packages, packages->survey);
	if (packages->is_due && packages->is_waiting && !packages->is_overdue) {
		go_on_waiting(packages);
		return;
	}
	packages->phase = TELLING;
	end_waiting(packages);
	timer_start(packages->most, TELL_MS, 0);
	advance(packages);
}

static void begin_survey(struct packages *packages, bool is_overdue)
{
	drop_survey(packages);
	timer_stop(packages->quiet);
	packages->phase = SURVEYING;
	packages->is_due = false;
	packages->is_overdue = is_overdue;
	packages->survey = survey_new(packages->manager, packages->state, packages->root);
	packages->survey->is_lock_unseen = !packages->is_lock_seen && packages->kept >= 0;
	packages->is_at_work = true;
	packages->is_under_way = true;
	loop_work(packages->loop, survey_work, survey_done, packages);
}

/* --- what is seen ---------------------------------------------------------------------------- */

static void begin_run(struct packages *packages)
{
	packages->phase = RUNNING;
	packages->is_overdue = false;
	timer_stop(packages->quiet);
	begin_waiting(packages);
}

static void on_seen(void *ctx, unsigned signs)
{
	struct packages *packages = ctx;
	pid_t pid;
	enum manager_holder holder = find_holder(packages, &pid);
	bool runs = signs & SIGN_RUNS || (signs & SIGN_OPENED && holder == HOLDER_WORKS);
	packages->is_due |= runs || signs & SIGN_CHANGED;
	packages->is_lock_seen |= holder == HOLDER_WORKS || signs & SIGN_UNLOCKED;
	if (signs & SIGN_OPENED && holder == HOLDER_NONE)
		breath_hold(packages->breath);
	if (packages->phase == SURVEYING)
		return;
	if (runs && holder == HOLDER_STRANGER)
		warn_of_stranger(packages, pid);
	/* Even if nobody works any more: a short run may be over before its first word is heard. */
	if (runs && holder != HOLDER_STRANGER && packages->phase != RUNNING)
		begin_run(packages);
	if (holder == HOLDER_WORKS)
		timer_stop(packages->quiet); /* it ends with a sign of its own */
	else if (packages->is_due && (signs & SIGN_UNLOCKED || !timer_is_active(packages->quiet)))
		look_after_quiet(packages, holder);
	advance(packages);
}

static bool on_is_taken(void *ctx)
{
	pid_t pid;
	return find_holder(ctx, &pid) == HOLDER_WORKS;
}

static void on_taken(void *ctx)
{
	on_seen(ctx, SIGN_RUNS);
}

static void on_held(void *ctx, bool is_held)
{
	struct packages *packages = ctx;
	if (!packages->is_waiting)
		packages->events.wait(packages->ctx, is_held);
}

static const struct breath_events BREATH_EVENTS = {
        .is_taken = on_is_taken, .taken = on_taken, .held = on_held};

static void on_quiet(void *ctx)
{
	struct packages *packages = ctx;
	pid_t pid;
	if (packages->phase != SURVEYING && find_holder(packages, &pid) != HOLDER_WORKS)
		begin_survey(packages, false);
}

/* In the middle of a run: what waits is told with what is known so far, then waiting begins anew.
 * While it is told: it is not waited for any longer. */
static void on_most(void *ctx)
{
	struct packages *packages = ctx;
	pid_t pid;
	if (packages->phase == RUNNING) {
		begin_survey(packages, true);
	} else if (packages->phase == TELLING) {
		if (find_holder(packages, &pid) == HOLDER_WORKS)
			begin_run(packages);
		else if (packages->is_due)
			begin_survey(packages, false);
		else
			finish(packages);
	}
}

/* Once all is told: the run may go on, its front end may call dpkg again, or it is over. A survey
 * that was made before the end of a run is not one to begin the next from. */
static void advance(struct packages *packages)
{
	pid_t pid;
	bool is_busy = packages->phase != TELLING || timer_is_active(packages->quiet);
	if (is_busy || (packages->explainer && !packages->events.is_told(packages->ctx)))
		return;
	enum manager_holder holder = find_holder(packages, &pid);
	bool is_stale = packages->is_due || packages->is_overdue;
	if (holder == HOLDER_WORKS && (is_stale || packages->explainer))
		begin_run(packages);
	else if (is_stale)
		look_after_quiet(packages, holder);
	else if (holder != HOLDER_IS_NEAR || !packages->explainer || packages->is_starting)
		finish(packages);
}

/* --- life ------------------------------------------------------------------------------------ */

int packages_new(struct loop *loop, struct state *state, const struct manager *manager,
        const char *root, const struct packages_limits *limits,
        const struct packages_events *events, void *ctx, struct packages **out,
        struct reason *out_why)
{
	struct packages *packages = mem_new(sizeof(*packages));
	bool is_host = strcmp(root, "/") == 0;
	packages->loop = loop;
	packages->state = state;
	packages->manager = manager;
	packages->kept = -1;
	packages->root = mem_copy_text(root, is_host ? 0 : strlen(root));
	packages->limits = *limits;
	if (packages->limits.quiet_ms == 0)
		packages->limits.quiet_ms = QUIET_MS_DEFAULT;
	if (packages->limits.most_ms == 0)
		packages->limits.most_ms = MOST_MS_DEFAULT;
	packages->events = *events;
	packages->ctx = ctx;
	pthread_mutex_init(&packages->mutex, NULL);
	pthread_cond_init(&packages->is_quiet, NULL);
	packages->quiet = timer_new(loop, on_quiet, packages);
	packages->breath = breath_new(loop, &BREATH_EVENTS, packages);
	packages->most = timer_new(loop, on_most, packages);
	/* Opens the lock, which would be a sign. */
	pid_t pid;
	find_holder(packages, &pid);
	int rc = signs_new(loop, packages->root, manager->places, manager->place_count, on_seen,
	        packages, &packages->signs, out_why);
	if (rc < 0) {
		packages_free(packages);
		return rc;
	}
	*out = packages;
	return 0;
}

void packages_free(struct packages *packages)
{
	if (!packages)
		return;
	pthread_mutex_lock(&packages->mutex);
	while (packages->is_at_work)
		pthread_cond_wait(&packages->is_quiet, &packages->mutex);
	pthread_mutex_unlock(&packages->mutex);
	signs_free(packages->signs);
	if (packages->kept >= 0)
		close(packages->kept);
	timer_free(packages->quiet);
	breath_free(packages->breath);
	timer_free(packages->most);
	drop_survey(packages);
	teller_mute(packages->explainer);
	explainer_drop(packages->explainer);
	packages->is_orphan = true;
	if (!packages->is_under_way)
		release(packages);
}

void packages_start(struct packages *packages)
{
	pid_t pid;
	if (packages->phase != IDLE)
		return; /* a sign came first */
	packages->is_starting = true;
	packages->is_lock_seen = true; /* whatever was done meanwhile */
	packages->is_due = true;
	if (find_holder(packages, &pid) == HOLDER_WORKS) {
		begin_run(packages);
		return;
	}
	begin_waiting(packages);
	begin_survey(packages, false);
}

void packages_glance(struct packages *packages)
{
	signs_glance(packages->signs);
}

void packages_step(struct packages *packages)
{
	advance(packages);
}
