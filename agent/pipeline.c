#include "agent/pipeline.h"

#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/fim/filter.h"
#include "agent/fim/journal.h"
#include "agent/fim/roots.h"
#include "agent/fim/settle.h"
#include "agent/fim/walk.h"
#include "agent/fim/watch.h"
#include "agent/inventory/inventory.h"
#include "agent/report.h"
#include "agent/ship/ship.h"
#include "agent/state/baseline.h"
#include "agent/state/trimmer.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define SETTLE_HIGH 16384 /* paths waiting above which the walk rests */

struct pipeline {
	struct loop *loop;
	struct state *state;
	const struct agent_config *config;
	void (*anew)(void *ctx);
	void *ctx;

	struct filter *filter;
	struct watch *watch;
	struct walk *walk;
	struct settle *settle;
	struct journal *journal;
	struct inventory *inventory;
	struct trimmer *trimmer;
	struct ship *ship;
	struct report *report;

	uint64_t scan_began_ms;
	bool is_scanning; /* the walk that every start begins with is not yet committed to the last
	                     path */
	bool is_first;    /* and some of it is a first baseline */
	bool is_full;     /* the spool holds the reading half */
};

/* --- what the agent says of itself ----------------------------------------------------------- */

static void note(struct pipeline *pipeline, enum event_kind kind, enum event_action action,
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

/* --- touches: watch and walk to settle ------------------------------------------------------- */

static void settle(struct pipeline *pipeline, const struct touch *touch)
{
	settle_touch(pipeline->settle, touch, loop_now_ms(pipeline->loop));
}

static void walk_entries_below(struct pipeline *pipeline, struct slice dir, enum event_cause cause)
{
	for (size_t i = 0; i < filter_count(pipeline->filter); i++) {
		struct slice path = filter_path(pipeline->filter, i);
		bool is_below = slice_starts_with(path, dir) &&
		                (path.len == dir.len || path.ptr[dir.len] == '/' || dir.len == 1);
		if (is_below)
			walk_request(pipeline->walk, path, cause);
	}
}

/* A rename of which only one side is watched is an arrival or a departure. */
static void settle_rename(struct pipeline *pipeline, const struct touch *touch)
{
	bool is_directory = touch->hints & TOUCH_DIRECTORY;
	bool to = filter_covers(pipeline->filter, touch->path, is_directory);
	bool from = filter_covers(pipeline->filter, touch->old_path, is_directory);
	struct touch one = *touch;
	if (!to || !from)
		one.old_path = (struct slice){0};
	if (to && !from)
		one.hints |= TOUCH_CREATED;
	if (from && !to) {
		one.path = touch->old_path;
		one.hints |= TOUCH_GONE;
	}
	if (to || from)
		settle(pipeline, &one);
}

/* A new directory is walked at once, not after its own event is committed: what was made in it
 * before the watch stood is found by the listing. A moved one is walked when the move is committed
 * (on_directory): then its children have moved too. */
static void on_touched(void *ctx, const struct touch *touch)
{
	struct pipeline *pipeline = ctx;
	bool is_directory = touch->hints & TOUCH_DIRECTORY;
	if (touch->old_path.ptr)
		settle_rename(pipeline, touch);
	else if (filter_covers(pipeline->filter, touch->path, is_directory))
		settle(pipeline, touch);
	if (is_directory && (touch->hints & TOUCH_CREATED) &&
	        filter_descends(pipeline->filter, touch->path))
		walk_request(pipeline->walk, touch->path, CAUSE_LIVE);
	if (filter_leads_to_entry(pipeline->filter, touch->path))
		walk_entries_below(pipeline, touch->path, CAUSE_LIVE);
	if (touch->old_path.ptr && filter_leads_to_entry(pipeline->filter, touch->old_path))
		walk_entries_below(pipeline, touch->old_path, CAUSE_LIVE);
	/* A directory that was moved to where nobody looks took its watches along. */
	if (touch->old_path.ptr && is_directory && !filter_descends(pipeline->filter, touch->path))
		watch_remove(pipeline->watch, touch->path);
	journal_kick(pipeline->journal);
}

static void on_overflow(void *ctx)
{
	struct pipeline *pipeline = ctx;
	log_warn("the kernel's queue overflowed: comparing everything with the baseline");
	for (size_t i = 0; i < filter_count(pipeline->filter); i++) {
		struct slice path = filter_path(pipeline->filter, i);
		note(pipeline, EVENT_FILE, ACTION_GAP, path, "the kernel's event queue overflowed",
		        0);
		walk_request(pipeline->walk, path, CAUSE_RESCAN);
	}
	journal_kick(pipeline->journal);
}

static void on_degraded(void *ctx, struct slice dir, const char *why)
{
	struct pipeline *pipeline = ctx;
	log_warn("cannot watch '%.*s' as it should be: %s", SLICE_ARG(dir), why);
	note(pipeline, EVENT_FILE, ACTION_DEGRADED, dir, why, 0);
	report_degraded(pipeline->report, dir, why);
}

static bool is_entry_of(struct slice path, struct slice dir)
{
	const uint8_t *slash = memrchr(path.ptr, '/', path.len);
	size_t len = slash ? (size_t)(slash - path.ptr) : 0;
	return slice_equal(dir, slice_of(path.ptr, len ? len : 1));
}

/* Of a directory above the roots only names matter, unless a root in it is itself a file. */
static bool on_wants_names(void *ctx, struct slice dir)
{
	struct pipeline *pipeline = ctx;
	if (filter_in(pipeline->filter, dir).is_open)
		return false;
	for (size_t i = 0; i < filter_count(pipeline->filter); i++) {
		struct slice root = filter_path(pipeline->filter, i);
		struct stat found;
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%.*s", SLICE_ARG(root));
		if (is_entry_of(root, dir) && lstat(path, &found) == 0 && !S_ISDIR(found.st_mode))
			return false;
	}
	return true;
}

static const struct watch_events WATCH_EVENTS = {
        .touched = on_touched,
        .overflowed = on_overflow,
        .degraded = on_degraded,
        .wants_names = on_wants_names,
};

static int on_walk_watch(void *ctx, struct slice dir)
{
	struct pipeline *pipeline = ctx;
	return watch_add(pipeline->watch, dir);
}

static void on_retired(void *ctx, struct slice path)
{
	struct touch touch = {
	        .path = path, .hints = TOUCH_RETIRE | TOUCH_DONE, .cause = CAUSE_OFFLINE};
	settle(ctx, &touch);
}

/* What stands below an excluded directory may still be watched by an entry of its own. */
static void settle_retirement(struct pipeline *pipeline, const struct touch *touch)
{
	struct reason why;
	if (!filter_leads_to_entry(pipeline->filter, touch->path))
		settle(pipeline, touch);
	else if (roots_each_retired_below(pipeline->state, pipeline->filter, touch->path,
	                 on_retired, pipeline, &why) < 0)
		log_error("%s", why.text);
}

static void on_walk_touched(void *ctx, const struct touch *touches, size_t count)
{
	struct pipeline *pipeline = ctx;
	for (size_t i = 0; i < count; i++) {
		if (touches[i].hints & TOUCH_RETIRE)
			settle_retirement(pipeline, &touches[i]);
		else
			settle(pipeline, &touches[i]);
	}
	journal_kick(pipeline->journal);
}

static bool on_walk_is_held(void *ctx)
{
	struct pipeline *pipeline = ctx;
	return settle_count(pipeline->settle) > SETTLE_HIGH || pipeline->is_full;
}

static void on_settle_overflowed(void *ctx, struct slice dir, enum event_cause cause)
{
	struct pipeline *pipeline = ctx;
	walk_request_entries(pipeline->walk, dir, cause);
}

/* --- the scan that every start begins with --------------------------------------------------- */

static void begin_scan(struct pipeline *pipeline)
{
	struct reason why;
	if (roots_each_retired(pipeline->state, pipeline->filter, on_retired, pipeline, &why) < 0)
		log_error("%s", why.text);
	pipeline->is_scanning = true;
	pipeline->scan_began_ms = loop_now_ms(pipeline->loop);
	for (size_t i = 0; i < filter_count(pipeline->filter); i++) {
		struct slice path = filter_path(pipeline->filter, i);
		bool is_known = journal_is_baselined(pipeline->journal, path);
		pipeline->is_first |= !is_known;
		walk_request(pipeline->walk, path, is_known ? CAUSE_OFFLINE : CAUSE_BASELINE);
	}
	report_scan(pipeline->report, pipeline->is_first);
}

static uint32_t count_files(struct pipeline *pipeline)
{
	struct kv_txn *txn;
	if (kv_begin_read(state_kv(pipeline->state), &txn) < 0)
		return 0;
	uint64_t count = baseline_count(txn);
	kv_abort(txn);
	return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

/* A scan touches every page of the store and many small blocks of heap, and then never again. */
static void give_memory_back(struct pipeline *pipeline)
{
	kv_release_pages(state_kv(pipeline->state));
	malloc_trim(0);
}

static void end_scan_when_committed(struct pipeline *pipeline)
{
	bool is_over = walk_is_idle(pipeline->walk) &&
	               settle_count_cause(pipeline->settle, CAUSE_BASELINE) == 0 &&
	               settle_count_cause(pipeline->settle, CAUSE_OFFLINE) == 0;
	if (!pipeline->is_scanning || !is_over)
		return;
	uint32_t files = count_files(pipeline);
	pipeline->is_scanning = false;
	report_scan_over(pipeline->report);
	log_info("%s complete files=%u took_ms=%llu",
	        pipeline->is_first ? "first scan" : "comparison with the baseline", files,
	        (unsigned long long)(loop_now_ms(pipeline->loop) - pipeline->scan_began_ms));
	if (pipeline->is_first)
		note(pipeline, EVENT_AGENT, ACTION_BASELINED, (struct slice){0},
		        "first scan complete", files);
	for (size_t i = 0; i < filter_count(pipeline->filter); i++)
		journal_mark_baselined(pipeline->journal, filter_path(pipeline->filter, i));
	journal_kick(pipeline->journal);
	give_memory_back(pipeline);
}

static void on_walk_idle(void *ctx)
{
	end_scan_when_committed(ctx);
}

static const struct walk_events WALK_EVENTS = {
        .watch = on_walk_watch,
        .touched = on_walk_touched,
        .degraded = on_degraded,
        .is_held = on_walk_is_held,
        .idle = on_walk_idle,
};

/* --- from settle through the journal to the spool -------------------------------------------- */

static void hold_while_full(struct pipeline *pipeline)
{
	bool is_full = state_is_full(pipeline->state);
	if (is_full == pipeline->is_full)
		return;
	pipeline->is_full = is_full;
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
	if (events)
		ship_wake(pipeline->ship);
	hold_while_full(pipeline);
	walk_resume(pipeline->walk);
	end_scan_when_committed(pipeline);
	report_changed(pipeline->report);
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
	walk_entries_below(pipeline, dir, CAUSE_LIVE);
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
	note(pipeline, EVENT_AGENT, ACTION_RESTORED, (struct slice){0},
	        "the state could not be written for a while (disk full?): changes in between were "
	        "read late",
	        0);
	report_held(pipeline->report, NULL);
}

static const struct journal_events JOURNAL_EVENTS = {
        .committed = on_committed,
        .directory = on_directory,
        .directory_gone = on_directory_gone,
        .stuck = on_stuck,
        .unstuck = on_unstuck,
};

static const struct inventory_events INVENTORY_EVENTS = {.committed = on_committed};

/* --- from the spool to the collector, and the acks back --------------------------------------- */

static void on_confirmed(void *ctx, uint64_t seq)
{
	struct pipeline *pipeline = ctx;
	trimmer_confirm(pipeline->trimmer, seq);
}

static void on_trimmed(void *ctx)
{
	struct pipeline *pipeline = ctx;
	hold_while_full(pipeline);
	journal_kick(pipeline->journal);
	walk_resume(pipeline->walk);
	kv_release_pages(state_kv(pipeline->state));
	report_changed(pipeline->report);
}

static void on_begin_anew(void *ctx)
{
	struct pipeline *pipeline = ctx;
	pipeline->anew(pipeline->ctx);
}

static void on_link_changed(void *ctx)
{
	struct pipeline *pipeline = ctx;
	if (pipeline->report)
		report_changed(pipeline->report);
}

static const struct ship_events SHIP_EVENTS = {
        .confirmed = on_confirmed,
        .begin_anew = on_begin_anew,
        .changed = on_link_changed,
};

/* --- life ------------------------------------------------------------------------------------ */

static int make_filter(
        const struct agent_config *config, struct filter **out, struct reason *out_why)
{
	const struct watch_config *watch = config->watch.item;
	struct watch_entry *entries = mem_new_array(config->watch.count, sizeof *entries);
	for (size_t i = 0; i < config->watch.count; i++)
		entries[i] = (struct watch_entry){
		        .path = watch[i].path,
		        .recursive = watch[i].recursive,
		        .exclude_count = watch[i].exclude.count,
		        .exclude = watch[i].exclude.item,
		};
	int rc = filter_new(entries, config->watch.count, out, out_why);
	free(entries);
	return rc;
}

static int make_fim(struct pipeline *pipeline, struct reason *out_why)
{
	struct settle_limits settle_limits = {0};
	struct journal_limits journal_limits = {
	        .hash_limit_bytes = pipeline->config->limits.file_mb << 20};
	pipeline->settle = settle_new(&settle_limits, on_settle_overflowed, pipeline);
	int rc = make_filter(pipeline->config, &pipeline->filter, out_why);
	if (rc == 0)
		rc = watch_new(pipeline->loop, &WATCH_EVENTS, pipeline, &pipeline->watch, out_why);
	if (rc == 0)
		rc = walk_new(pipeline->loop, pipeline->state, pipeline->filter, &WALK_EVENTS,
		        pipeline, &pipeline->walk);
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
	        .label_count = config->labels.count,
	        .label_name = config->labels.name,
	        .label_value = config->labels.value,
	};
	return inventory_new(pipeline->loop, pipeline->state, &options, &INVENTORY_EVENTS, pipeline,
	        &pipeline->inventory, out_why);
}

static int make_ship(struct pipeline *pipeline, struct reason *out_why)
{
	struct ship_options options = {
	        .collector = pipeline->config->collector,
	        .dir = pipeline->config->state_dir,
	};
	pipeline->trimmer = trimmer_new(pipeline->loop, pipeline->state, on_trimmed, pipeline);
	return ship_new(pipeline->loop, pipeline->state, &options, &SHIP_EVENTS, pipeline,
	        &pipeline->ship, out_why);
}

static int make_report(struct pipeline *pipeline, struct reason *out_why)
{
	struct report_stages stages = {
	        .config = pipeline->config,
	        .state = pipeline->state,
	        .watch = pipeline->watch,
	        .walk = pipeline->walk,
	        .settle = pipeline->settle,
	        .inventory = pipeline->inventory,
	        .ship = pipeline->ship,
	};
	return report_new(pipeline->loop, &stages, &pipeline->report, out_why);
}

static void start(struct pipeline *pipeline)
{
	const char *detail = "started (version " TSUJIBAN_VERSION ")";
	if (state_was_rebuilt(pipeline->state))
		detail = "started with a new state: the old one was damaged and is kept aside";
	else if (state_is_new(pipeline->state))
		detail = "started for the first time on this state (version " TSUJIBAN_VERSION ")";
	note(pipeline, EVENT_AGENT, ACTION_STARTED, (struct slice){0}, detail, 0);
	pipeline->is_full = false;
	hold_while_full(pipeline);
	begin_scan(pipeline);
	inventory_start(pipeline->inventory);
	ship_start(pipeline->ship);
	journal_kick(pipeline->journal);
}

int pipeline_new(struct loop *loop, struct state *state, const struct agent_config *config,
        void (*anew)(void *ctx), void *ctx, struct pipeline **out, struct reason *out_why)
{
	struct pipeline *pipeline = mem_new(sizeof *pipeline);
	*pipeline = (struct pipeline){
	        .loop = loop, .state = state, .config = config, .anew = anew, .ctx = ctx};
	int rc = make_fim(pipeline, out_why);
	if (rc == 0)
		rc = make_inventory(pipeline, out_why);
	if (rc == 0)
		rc = make_ship(pipeline, out_why);
	if (rc == 0)
		rc = make_report(pipeline, out_why);
	if (rc < 0) {
		pipeline_free(pipeline);
		return rc;
	}
	start(pipeline);
	*out = pipeline;
	return 0;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	report_free(pipeline->report);
	ship_free(pipeline->ship);
	trimmer_free(pipeline->trimmer);
	inventory_free(pipeline->inventory);
	journal_free(pipeline->journal);
	walk_free(pipeline->walk);
	watch_free(pipeline->watch);
	settle_free(pipeline->settle);
	filter_free(pipeline->filter);
	free(pipeline);
}
