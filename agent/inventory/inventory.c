#include "agent/inventory/inventory.h"

#include <pthread.h>
#include <stdlib.h>

#include "agent/inventory/app_rounds.h"
#include "agent/inventory/pass.h"
#include "agent/source/root.h"
#include "agent/inventory/trigger.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define RETRY_MS 30000 /* after a pass that could not be committed (disk full) */

#define AGAIN_SHARE 500 /* reading again takes at most so small a part of one processor's time */

/* A pass on its way to a worker and back. */
struct job {
	struct inventory *inventory; /* NULL when it is gone */
	struct pass pass;
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	bool is_over; /* the worker is through with it */
};

struct inventory {
	struct loop *loop;
	struct state *state;
	struct inventory_options options; /* own copies */
	struct inventory_events events;
	void *ctx;
	struct timer *timer; /* the next pass by the clock */
	struct timer *again; /* the next reading of `again_rows` alone */
	struct trigger *trigger;
	struct app_rounds *apps;
	struct job *job; /* the pass under way */
	bool is_started, is_held, has_passed;
	uint64_t wanted;     /* rows of the next pass; 0: none is asked for */
	uint64_t again_rows; /* that have facts which end unseen */
	struct inventory_status status;
};

static void begin(struct inventory *inventory, uint64_t rows);

/* --- a pass ----------------------------------------------------------------------------------- */

static void work(void *ctx)
{
	struct job *job = ctx;
	pass_run(&job->pass);
	pthread_mutex_lock(&job->mutex);
	job->is_over = true;
	pthread_cond_signal(&job->ended);
	pthread_mutex_unlock(&job->mutex);
}

static void job_free(struct job *job)
{
	pthread_mutex_destroy(&job->mutex);
	pthread_cond_destroy(&job->ended);
	free(job);
}

static void take_status(struct inventory *inventory, const struct pass *pass)
{
	struct inventory_status *status = &inventory->status;
	if (pass->status.why[0] && strcmp(status->why, pass->status.why) != 0)
		log_warn("inventory is incomplete: %s", pass->status.why);
	else if (status->why[0] && !pass->status.why[0])
		log_info("inventory is complete again");
	memcpy(status->why, pass->status.why, sizeof(status->why));
	if (pass->rc < 0)
		return;
	status->last_pass_ns = pass->status.last_pass_ns;
	if (!(pass->missed & 1u << FACT_PACKAGE))
		status->packages = pass->status.packages;
	if (!(pass->missed & 1u << FACT_KERNEL))
		status->kernels = pass->status.kernels;
}

static void set_timer(struct inventory *inventory, bool has_failed)
{
	uint64_t after_ms = (uint64_t)(inventory->options.interval_ns / NS_PER_MS);
	if (has_failed && after_ms > RETRY_MS)
		after_ms = RETRY_MS;
	timer_start(inventory->timer, after_ms > 0 ? after_ms : 1, 0);
}

/* What could not be read has the facts that it had. Of a host with thousands of processes the
 * reading takes its time, and what asks for it may stay for weeks. */
static void set_again(struct inventory *inventory, const struct pass *pass)
{
	uint64_t after_ms = inventory->options.again_ms;
	uint64_t rows = (inventory->again_rows & ~pass->read) | (pass->found & pass->read);
	inventory->again_rows = 0;
	for (size_t i = 0; SOURCES[i].name; i++)
		if (SOURCES[i].is_read_again)
			inventory->again_rows |= rows & UINT64_C(1) << i;
	after_ms = after_ms ? after_ms : INVENTORY_AGAIN_MS;
	if (after_ms < pass->again_ms * AGAIN_SHARE)
		after_ms = pass->again_ms * AGAIN_SHARE;
	if (inventory->again_rows)
		timer_start(inventory->again, after_ms, 0);
}

static void done(void *ctx)
{
	struct job *job = ctx;
	struct inventory *inventory = job->inventory;
	if (!inventory) {
		job_free(job);
		return;
	}
	int rc = job->pass.rc;
	uint64_t events = job->pass.events;
	inventory->job = NULL;
	set_again(inventory, &job->pass);
	if (job->pass.rows == PASS_ALL) {
		inventory->has_passed |= rc == 0;
		take_status(inventory, &job->pass);
		set_timer(inventory, rc < 0);
	}
	job_free(job);
	begin(inventory, 0);
	if (rc == 0)
		inventory->events.committed(inventory->ctx, events);
}

/* A directory may have come since the last pass. */
static void set_triggers(struct inventory *inventory)
{
	struct buf dir = BUF_INIT;
	for (const struct source *source = SOURCES; source->name; source++)
		for (const struct source_trigger *at = source->triggers; at->dir; at++)
			trigger_add(inventory->trigger,
			        root_path(inventory->options.root, at->dir, &dir), at->name);
	buf_fini(&dir);
}

/* Triggers are set before the files are read, so that no change falls between. */
static void begin(struct inventory *inventory, uint64_t rows)
{
	inventory->wanted |= rows;
	bool can_begin = inventory->is_started && !inventory->is_held && !inventory->job;
	if (!inventory->wanted || !can_begin)
		return;
	rows = inventory->wanted;
	inventory->wanted = 0;
	timer_stop(inventory->again);
	if (rows == PASS_ALL) {
		timer_stop(inventory->timer);
		set_triggers(inventory);
	}
	struct job *job = mem_new(sizeof(*job));
	job->inventory = inventory;
	job->pass.state = inventory->state;
	job->pass.options = &inventory->options;
	job->pass.rows = rows;
	job->pass.cause = inventory->has_passed ? CAUSE_LIVE : CAUSE_OFFLINE;
	pthread_mutex_init(&job->mutex, NULL);
	pthread_cond_init(&job->ended, NULL);
	inventory->job = job;
	loop_work(inventory->loop, work, done, job);
}

static void on_due(void *ctx)
{
	begin(ctx, PASS_ALL);
}

/* Package databases above all: what they brought may have application packages in it. */
static void on_triggered(void *ctx)
{
	struct inventory *inventory = ctx;
	begin(inventory, PASS_ALL);
	app_rounds_ask(inventory->apps);
}

static void on_again(void *ctx)
{
	struct inventory *inventory = ctx;
	begin(inventory, inventory->again_rows);
}

/* --- application packages --------------------------------------------------------------------- */

static void on_apps_committed(void *ctx, uint64_t events)
{
	struct inventory *inventory = ctx;
	inventory->events.committed(inventory->ctx, events);
}

static void make_apps(struct inventory *inventory)
{
	struct app_rounds_options options = {
	        .root = inventory->options.root,
	        .path = inventory->options.app_path,
	        .path_count = inventory->options.app_count,
	        .interval_ns = inventory->options.apps_interval_ns,
	        .budget = inventory->options.budget,
	};
	inventory->apps = app_rounds_new(
	        inventory->loop, inventory->state, &options, on_apps_committed, inventory);
}

void inventory_touched(struct inventory *inventory, struct slice path, bool is_directory)
{
	app_rounds_touched(inventory->apps, path, is_directory);
}

/* --- life ------------------------------------------------------------------------------------- */

static char *copy_text(const char *text)
{
	return mem_copy_text(text, strlen(text));
}

static const char *const *copy_texts(const char *const *text, size_t count)
{
	char **copy = mem_new_array(count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = copy_text(text[i]);
	return (const char *const *)copy;
}

static void free_texts(const char *const *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free((void *)text[i]);
	free((void *)text);
}

static void copy_options(struct inventory *inventory, const struct inventory_options *given)
{
	inventory->options = *given;
	inventory->options.root = copy_text(given->root ? given->root : "/");
	inventory->options.app_path = copy_texts(given->app_path, given->app_count);
	inventory->options.label_name = copy_texts(given->label_name, given->label_count);
	inventory->options.label_value = copy_texts(given->label_value, given->label_count);
}

int inventory_new(struct loop *loop, struct state *state, const struct inventory_options *options,
        const struct inventory_events *events, void *ctx, struct inventory **out,
        struct reason *out_why)
{
	struct inventory *inventory = mem_new(sizeof(*inventory));
	int rc = trigger_new(loop, on_triggered, inventory, &inventory->trigger, out_why);
	if (rc < 0) {
		free(inventory);
		return rc;
	}
	inventory->loop = loop;
	inventory->state = state;
	inventory->events = *events;
	inventory->ctx = ctx;
	copy_options(inventory, options);
	inventory->timer = timer_new(loop, on_due, inventory);
	inventory->again = timer_new(loop, on_again, inventory);
	make_apps(inventory);
	*out = inventory;
	return 0;
}

void inventory_start(struct inventory *inventory)
{
	inventory->is_started = true;
	begin(inventory, PASS_ALL);
}

void inventory_start_apps(struct inventory *inventory)
{
	app_rounds_start(inventory->apps);
}

static void wait_for_worker(struct job *job)
{
	pthread_mutex_lock(&job->mutex);
	while (!job->is_over)
		pthread_cond_wait(&job->ended, &job->mutex);
	pthread_mutex_unlock(&job->mutex);
	job->inventory = NULL;
}

void inventory_free(struct inventory *inventory)
{
	if (!inventory)
		return;
	app_rounds_free(inventory->apps);
	if (inventory->job)
		wait_for_worker(inventory->job);
	trigger_free(inventory->trigger);
	timer_free(inventory->timer);
	timer_free(inventory->again);
	free((void *)inventory->options.root);
	free_texts(inventory->options.app_path, inventory->options.app_count);
	free_texts(inventory->options.label_name, inventory->options.label_count);
	free_texts(inventory->options.label_value, inventory->options.label_count);
	free(inventory);
}

void inventory_hold(struct inventory *inventory, bool hold)
{
	inventory->is_held = hold;
	begin(inventory, 0);
	app_rounds_hold(inventory->apps, hold);
}

void inventory_status(const struct inventory *inventory, struct inventory_status *out)
{
	struct app_rounds_status apps;
	app_rounds_status(inventory->apps, &apps);
	*out = inventory->status;
	out->app_packages = apps.packages;
	out->app_complaints = apps.complaints;
	out->last_app_ns = apps.last_walk_ns;
	out->app_opened = apps.opened;
	memcpy(out->app_why, apps.why, sizeof(out->app_why));
}
