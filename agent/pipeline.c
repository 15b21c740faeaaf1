#include "agent/pipeline.h"

#include <stdlib.h>

#include "agent/fim/audit.h"
#include "agent/fim/unwatched.h"
#include "agent/fim/copier.h"
#include "agent/inventory/inventory.h"
#include "agent/pipeline_private.h"
#include "agent/report.h"
#include "agent/sender/sender.h"
#include "agent/state/trimmer.h"
#include "agent/watch/mounts.h"
#include "agent/watchlist.h"
#include "agent/who/who.h"
#include "common/base/budget.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

/* --- what the agent says of itself ----------------------------------------------------------- */

void pipeline_note(struct pipeline *pipeline, enum event_kind kind, enum event_action action,
        struct slice path, const char *detail, uint32_t count)
{
	struct event event = {
	        .time_ns = clock_wall_ns(),
	        .kind = kind,
	        .action = action,
	        .cause = CAUSE_LIVE,
	        .count = count,
	        .path = path,
	        .detail = slice_text(detail),
	};
	journal_note(pipeline->journal, &event);
}

/* --- from settle through the journal to the spool -------------------------------------------- */

/* What still stands when reading goes on is found; what came and went is not. */
static void note_full(struct pipeline *pipeline)
{
	for (size_t i = 0; i < filter_count(pipeline->filter); i++)
		pipeline_note(pipeline, EVENT_FILE, ACTION_GAP, filter_path(pipeline->filter, i),
		        "the spool is full: changes are read late, and what comes and goes "
		        "meanwhile is not seen",
		        0);
}

static void hold_while_full(struct pipeline *pipeline)
{
	bool is_full = state_is_full(pipeline->state);
	if (is_full == pipeline->is_full)
		return;
	pipeline->is_full = is_full;
	if (is_full)
		note_full(pipeline);
	if (is_full)
		log_warn("the spool is full: reading waits for the collector");
	else
		log_info("the spool has room again: reading goes on");
	report_held(pipeline->report,
	        is_full ? "the spool is full: reading waits for the collector" : NULL);
	journal_hold(pipeline->journal, is_full);
	inventory_hold(pipeline->inventory, is_full);
}

static void on_committed(void *ctx, uint64_t events)
{
	struct pipeline *pipeline = ctx;
	pipeline->has_gap_noted = false;
	if (pipeline->is_hurried && settle_count_cause(pipeline->settle, CAUSE_LIVE) == 0) {
		pipeline->is_hurried = false;
		budget_hurry(pipeline->budget, false);
	}
	if (events)
		sender_wake(pipeline->sender);
	hold_while_full(pipeline);
	walk_resume(pipeline->walk);
	pipeline_end_scan(pipeline);
	pipeline_step_packages(pipeline);
	pipeline_follow_links(pipeline);
	pipeline_rest_if_due(pipeline);
	report_changed(pipeline->report);
	pipeline_step_leave(pipeline);
}

static void on_directory(void *ctx, struct slice dir, enum event_cause cause)
{
	struct pipeline *pipeline = ctx;
	if (filter_descends(pipeline->filter, dir))
		walk_request(pipeline->walk, dir, cause);
}

static void on_directory_gone(void *ctx, struct slice dir)
{
	struct pipeline *pipeline = ctx;
	watch_remove(pipeline->watch, dir);
	pipeline_walk_roots(pipeline, dir, CAUSE_LIVE);
}

static void on_linked(void *ctx, uint64_t device, uint64_t inode)
{
	struct pipeline *pipeline = ctx;
	links_add(pipeline->links, device, inode);
}

static bool on_is_compared(void *ctx, struct slice dir, struct slice path)
{
	struct pipeline *pipeline = ctx;
	return walk_is_comparing(pipeline->walk, dir, path);
}

static void on_stuck(void *ctx, int code, const struct reason *why)
{
	struct pipeline *pipeline = ctx;
	log_error("%s code=%d (tried again, nothing is lost)", why->text, code);
	report_held(pipeline->report, why->text);
}

static void on_unstuck(void *ctx)
{
	struct pipeline *pipeline = ctx;
	log_info("the state can be written again");
	pipeline_note(pipeline, EVENT_AGENT, ACTION_RESTORED, (struct slice){0},
	        "the state could not be written for a while (disk full?): changes in between were "
	        "read late",
	        0);
	report_held(pipeline->report, NULL);
}

static const struct journal_events JOURNAL_EVENTS = {
        .committed = on_committed,
        .directory = on_directory,
        .directory_gone = on_directory_gone,
        .linked = on_linked,
        .changed = pipeline_changed,
        .is_compared = on_is_compared,
        .reading = pipeline_glance_at_packages,
        .stuck = on_stuck,
        .unstuck = on_unstuck,
};

static const struct inventory_events INVENTORY_EVENTS = {.committed = on_committed};

/* --- from the spool to the collector, and the acks back --------------------------------------- */

static void on_confirmed(void *ctx, uint64_t seq)
{
	struct pipeline *pipeline = ctx;
	trimmer_confirm(pipeline->trimmer, seq);
	pipeline_step_leave(pipeline);
}

static void on_trimmed(void *ctx)
{
	struct pipeline *pipeline = ctx;
	hold_while_full(pipeline);
	journal_kick(pipeline->journal);
	walk_resume(pipeline->walk);
	pipeline_rest(pipeline);
	report_changed(pipeline->report);
}

static void on_begin_anew(void *ctx)
{
	struct pipeline *pipeline = ctx;
	pipeline->end(pipeline->ctx, PIPELINE_ANEW);
}

static void on_link_changed(void *ctx)
{
	struct pipeline *pipeline = ctx;
	if (pipeline->report)
		report_changed(pipeline->report);
	pipeline_step_leave(pipeline);
}

static void on_sender_ended(void *ctx, const char *how)
{
	struct pipeline *pipeline = ctx;
	struct buf text = BUF_INIT;
	log_warn("%s: it is started again, nothing is lost", how);
	buf_printf(&text, "%s: it is started again, nothing is lost", how);
	pipeline_note(
	        pipeline, EVENT_AGENT, ACTION_DEGRADED, (struct slice){0}, buf_text(&text), 0);
	journal_kick(pipeline->journal);
	buf_fini(&text);
}

static void on_launcher_gone(void *ctx)
{
	struct pipeline *pipeline = ctx;
	pipeline->end(pipeline->ctx, PIPELINE_ALONE);
}

static const struct sender_events SENDER_EVENTS = {
        .confirmed = on_confirmed,
        .begin_anew = on_begin_anew,
        .changed = on_link_changed,
        .ended = on_sender_ended,
        .alone = on_launcher_gone,
};

/* --- life ------------------------------------------------------------------------------------ */

static int make_filter(struct pipeline *pipeline, struct reason *out_why)
{
	int rc = watchlist_new(pipeline->config, &pipeline->watchlist, out_why);
	if (rc < 0)
		return rc;
	return filter_new(
	        pipeline->watchlist->entry, pipeline->watchlist->count, &pipeline->filter, out_why);
}

/* Without /proc the agent works on; who mounts what is then not told. */
static void make_mounts(struct pipeline *pipeline)
{
	struct reason why;
	if (mounts_new(pipeline->loop, &PIPELINE_MOUNTS_EVENTS, pipeline, &pipeline->mounts, &why) <
	        0)
		log_warn("%s", why.text);
}

/* --- the audit ------------------------------------------------------------------------------- */

static void on_audit_touched(void *ctx, const struct touch *touch)
{
	struct pipeline *pipeline = ctx;
	pipeline_settle(pipeline, touch);
	journal_kick(pipeline->journal);
}

static bool on_audit_is_busy(void *ctx)
{
	struct pipeline *pipeline = ctx;
	return pipeline->is_scanning || pipeline->is_full ||
	       settle_count_current(pipeline->settle) > 0 || !walk_is_idle(pipeline->walk);
}

static void on_audit_changed(void *ctx)
{
	struct pipeline *pipeline = ctx;
	report_changed(pipeline->report);
}

static const struct audit_events AUDIT_EVENTS = {
        .touched = on_audit_touched,
        .is_busy = on_audit_is_busy,
        .changed = on_audit_changed,
};

static int make_fim(struct pipeline *pipeline, struct reason *out_why)
{
	struct settle_limits settle_limits = {
	        .busy_per_minute = (uint32_t)pipeline->config->limits.busy_per_min};
	struct journal_limits journal_limits = {
	        .hash_limit_bytes = pipeline->config->limits.file_mb << 20};
	pipeline->budget = budget_new(pipeline->config->limits.cpu_percent,
	        pipeline->config->limits.hash_mb_per_s * 1000000);
	journal_limits.budget = pipeline->budget;
	pipeline->audit = audit_new(pipeline->loop, pipeline->state,
	        (uint64_t)pipeline->config->audit.round_ns / NS_PER_MS, &AUDIT_EVENTS, pipeline);
	pipeline->links = links_new(pipeline->loop, pipeline->state, pipeline_touch_name,
	        pipeline_compare_all, pipeline);
	pipeline->unwatched = unwatched_new(pipeline->loop, pipeline_compare_unwatched, pipeline);
	pipeline->settle = settle_new(&settle_limits, pipeline_settle_overflowed, pipeline);
	pipeline->who = who_new(pipeline->loop);
	int rc = make_filter(pipeline, out_why);
	if (rc == 0)
		rc = copier_purge(pipeline->state, pipeline->filter, out_why);
	if (rc == 0)
		rc = watch_new(pipeline->loop, pipeline->config->watch_source,
		        &PIPELINE_WATCH_EVENTS, pipeline, &pipeline->watch, out_why);
	if (rc == 0)
		make_mounts(pipeline);
	if (rc == 0)
		rc = walk_new(pipeline->loop, pipeline->state, pipeline->filter,
		        &PIPELINE_WALK_EVENTS, pipeline, &pipeline->walk);
	if (rc == 0)
		walk_pace(pipeline->walk, pipeline->budget);
	if (rc == 0)
		rc = journal_new(pipeline->loop, pipeline->state, pipeline->filter,
		        pipeline->settle, &journal_limits, &JOURNAL_EVENTS, pipeline,
		        &pipeline->journal);
	return rc;
}

static int make_inventory(struct pipeline *pipeline, struct reason *out_why)
{
	const struct agent_config *config = pipeline->config;
	struct inventory_options options = {
	        .root = "/",
	        .interval_ns = config->inventory.interval_ns,
	        .app_count = config->inventory.apps.count,
	        .app_path = config->inventory.apps.item,
	        .apps_interval_ns = config->inventory.apps_interval_ns,
	        .budget = pipeline->budget,
	        .label_count = config->labels.count,
	        .label_name = config->labels.name,
	        .label_value = config->labels.value,
	};
	return inventory_new(pipeline->loop, pipeline->state, &options, &INVENTORY_EVENTS, pipeline,
	        &pipeline->inventory, out_why);
}

static int make_sender(struct pipeline *pipeline, struct launcher *launcher, struct reason *out_why)
{
	struct sender_options options = {
	        .collector = pipeline->config->collector,
	        .dir = pipeline->config->state_dir,
	        .launcher = launcher,
	};
	pipeline->trimmer = trimmer_new(pipeline->loop, pipeline->state, on_trimmed, pipeline);
	return sender_new(pipeline->loop, pipeline->state, &options, &SENDER_EVENTS, pipeline,
	        &pipeline->sender, out_why);
}

static int make_report(struct pipeline *pipeline, struct reason *out_why)
{
	struct report_stages stages = {
	        .config = pipeline->config,
	        .confined = pipeline->confined,
	        .state = pipeline->state,
	        .watch = pipeline->watch,
	        .who = pipeline->who,
	        .walk = pipeline->walk,
	        .unwatched = pipeline->unwatched,
	        .settle = pipeline->settle,
	        .audit = pipeline->audit,
	        .inventory = pipeline->inventory,
	        .sender = pipeline->sender,
	};
	return report_new(pipeline->loop, &stages, &pipeline->report, out_why);
}

static void start(struct pipeline *pipeline, bool is_continued)
{
	if (!is_continued)
		pipeline_tell_start(pipeline);
	pipeline_tell_links(pipeline);
	pipeline->is_full = false;
	hold_while_full(pipeline);
	/* Processes have to be known before they act. */
	if (strcmp(watch_source_name(pipeline->watch), "inotify") != 0)
		who_start(pipeline->who);
	pipeline_begin_scan(pipeline);
	if (!pipeline->is_first)
		pipeline_start_packages(pipeline);
	inventory_start(pipeline->inventory);
	sender_start(pipeline->sender);
	journal_kick(pipeline->journal);
}

int pipeline_new(struct loop *loop, struct state *state, const struct pipeline_options *options,
        void (*end)(void *ctx, enum pipeline_end why), void *ctx, struct pipeline **out,
        struct reason *out_why)
{
	struct pipeline *pipeline = mem_new(sizeof *pipeline);
	*pipeline = (struct pipeline){.loop = loop,
	        .state = state,
	        .config = options->config,
	        .confined = options->confined,
	        .end = end,
	        .ctx = ctx};
	int rc = make_fim(pipeline, out_why);
	if (rc == 0)
		rc = pipeline_make_packages(pipeline, out_why);
	if (rc == 0)
		rc = make_inventory(pipeline, out_why);
	if (rc == 0)
		rc = make_sender(pipeline, options->launcher, out_why);
	if (rc == 0)
		rc = make_report(pipeline, out_why);
	if (rc < 0) {
		pipeline_stop(pipeline);
		pipeline_free(pipeline);
		return rc;
	}
	start(pipeline, options->is_continued);
	*out = pipeline;
	return 0;
}

void pipeline_stop(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	budget_stop(pipeline->budget);
	timer_free(pipeline->leaving);
	pipeline->leaving = NULL;
	audit_free(pipeline->audit);
	report_free(pipeline->report);
	sender_free(pipeline->sender);
	trimmer_free(pipeline->trimmer);
	inventory_free(pipeline->inventory);
	journal_free(pipeline->journal);
	pipeline_free_packages(pipeline);
	links_free(pipeline->links);
	unwatched_free(pipeline->unwatched);
	walk_free(pipeline->walk);
	mounts_free(pipeline->mounts);
	watch_free(pipeline->watch);
	who_free(pipeline->who);
	settle_free(pipeline->settle);
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	budget_free(pipeline->budget);
	filter_free(pipeline->filter);
	watchlist_free(pipeline->watchlist);
	free(pipeline);
}
