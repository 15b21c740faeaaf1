#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent/fim/compare.h"
#include "agent/fim/roots.h"
#include "agent/fim/unwatched.h"
#include "agent/inventory/inventory.h"
#include "agent/pipeline_private.h"
#include "agent/report.h"
#include "agent/watch/mounts.h"
#include "agent/who/who.h"
#include "common/base/log.h"
#include "common/base/text.h"

#define SETTLE_HIGH     16384 /* paths waiting above which settle may soon have no room */
#define WALK_AHEAD      4096  /* paths waiting above which the walk rests: some 300 bytes each */
#define DEGRADED_EVENTS 1000  /* directories named, of perhaps very many: max_user_watches */

/* --- touches: watch and walk to settle ------------------------------------------------------- */

void pipeline_settle(struct pipeline *pipeline, const struct touch *touch)
{
	if (touch->cause == CAUSE_LIVE && !pipeline->is_hurried) {
		pipeline->is_hurried = true;
		budget_hurry(pipeline->budget, true);
	}
	settle_touch(pipeline->settle, touch, loop_now_ms(pipeline->loop));
}

static bool is_at_or_below(struct slice path, struct slice dir)
{
	return slice_starts_with(path, dir) &&
	       (path.len == dir.len || path.ptr[dir.len] == '/' || dir.len == 1);
}

void pipeline_walk_roots(struct pipeline *pipeline, struct slice dir, enum event_cause cause)
{
	for (size_t i = 0; i < filter_count(pipeline->filter); i++) {
		struct slice path = filter_path(pipeline->filter, i);
		if (is_at_or_below(path, dir))
			walk_request(pipeline->walk, path, cause);
	}
}

void pipeline_touch_name(void *ctx, const struct touch *touch)
{
	struct pipeline *pipeline = ctx;
	pipeline_settle(pipeline, touch);
	journal_kick(pipeline->journal);
}

void pipeline_compare_all(void *ctx)
{
	pipeline_walk_roots(ctx, slice_text("/"), CAUSE_LIVE);
}

void pipeline_changed(void *ctx, struct slice path, bool is_directory)
{
	struct pipeline *pipeline = ctx;
	inventory_touched(pipeline->inventory, path, is_directory);
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
		pipeline_settle(pipeline, &one);
}

/* A new directory is walked at once, not after its own event is committed: what was made in it
 * before the watch stood is found by the listing. A moved one is walked when the move is committed
 * (on_directory): then its children have moved too. */
static void on_touched(void *ctx, const struct touch *touch)
{
	struct pipeline *pipeline = ctx;
	bool is_directory = touch->hints & TOUCH_DIRECTORY;
	pipeline_look_for_links(pipeline, touch->path);
	pipeline_look_for_links(pipeline, touch->old_path);
	if (touch->old_path.ptr)
		settle_rename(pipeline, touch);
	else if (filter_covers(pipeline->filter, touch->path, is_directory))
		pipeline_settle(pipeline, touch);
	if (is_directory && (touch->hints & TOUCH_CREATED) &&
	        filter_descends(pipeline->filter, touch->path))
		walk_request(pipeline->walk, touch->path, CAUSE_LIVE);
	/* Settle may have no room to remember that for. */
	if ((touch->hints & TOUCH_RELIST) && settle_count(pipeline->settle) > SETTLE_HIGH) {
		walk_request(pipeline->walk, touch->path, CAUSE_LIVE);
		if (touch->old_path.ptr)
			walk_request(pipeline->walk, touch->old_path, CAUSE_LIVE);
	}
	if (filter_leads_to_entry(pipeline->filter, touch->path))
		pipeline_walk_roots(pipeline, touch->path, CAUSE_LIVE);
	if (touch->old_path.ptr && filter_leads_to_entry(pipeline->filter, touch->old_path))
		pipeline_walk_roots(pipeline, touch->old_path, CAUSE_LIVE);
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
		if (!pipeline->has_gap_noted)
			pipeline_note(pipeline, EVENT_FILE, ACTION_GAP, path,
			        "the kernel's event queue overflowed", 0);
		walk_request(pipeline->walk, path, CAUSE_RESCAN);
	}
	pipeline->has_gap_noted = true;
	journal_kick(pipeline->journal);
}

static void on_degraded(void *ctx, struct slice dir, const char *why)
{
	struct pipeline *pipeline = ctx;
	struct buf shown = BUF_INIT;
	text_append_display(&shown, dir);
	log_warn("'%s' %s", buf_text(&shown), why);
	buf_fini(&shown);
	report_degraded(pipeline->report, dir, why);
	if (pipeline->degraded_count < DEGRADED_EVENTS)
		pipeline_note(pipeline, EVENT_FILE, ACTION_DEGRADED, dir, why, 0);
	else if (pipeline->degraded_count == DEGRADED_EVENTS)
		pipeline_note(pipeline, EVENT_AGENT, ACTION_DEGRADED, (struct slice){0},
		        "too many directories are seen less well to name more of them here", 0);
	pipeline->degraded_count++;
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

static struct witness *on_who(void *ctx, int pid, int pidfd)
{
	struct pipeline *pipeline = ctx;
	return who_of(pipeline->who, pid, pidfd);
}

static void on_reading(void *ctx)
{
	struct pipeline *pipeline = ctx;
	who_forget_asked(pipeline->who);
}

static bool on_wants(void *ctx, struct slice dir)
{
	struct pipeline *pipeline = ctx;
	return filter_descends(pipeline->filter, dir) ||
	       filter_leads_to_entry(pipeline->filter, dir);
}

const struct watch_events PIPELINE_WATCH_EVENTS = {
        .touched = on_touched,
        .overflowed = on_overflow,
        .degraded = on_degraded,
        .wants_names = on_wants_names,
        .who = on_who,
        .reading = on_reading,
        .wants = on_wants,
};

/* --- mounts ----------------------------------------------------------------------------------- */

static bool on_mount_matters(void *ctx, struct slice point)
{
	return on_wants(ctx, point);
}

static void settle_remount(struct pipeline *pipeline, struct slice path)
{
	struct touch touch = {.path = path,
	        .hints = TOUCH_RETIRE | TOUCH_REMOUNT | TOUCH_DONE | TOUCH_DIRECTORY,
	        .cause = CAUSE_BASELINE};
	pipeline_settle(pipeline, &touch);
}

static void on_mount_changed(void *ctx, struct slice point, bool is_mounted)
{
	struct pipeline *pipeline = ctx;
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%.*s", SLICE_ARG(point));
	if (is_mounted && is_pseudo_fs(path))
		return; /* nothing of it is kept */
	struct buf shown = BUF_INIT;
	text_append_display(&shown, point);
	log_info("a file system was %s at '%s'", is_mounted ? "mounted" : "unmounted",
	        buf_text(&shown));
	buf_fini(&shown);
	watch_remounted(pipeline->watch, point);
	if (filter_descends(pipeline->filter, point) &&
	        filter_entry_of(pipeline->filter, point) >= 0)
		settle_remount(pipeline, point);
	for (size_t i = 0; i < filter_count(pipeline->filter); i++) {
		struct slice root = filter_path(pipeline->filter, i);
		if (root.len > point.len && is_at_or_below(root, point))
			settle_remount(pipeline, root);
	}
	journal_kick(pipeline->journal);
}

const struct mounts_events PIPELINE_MOUNTS_EVENTS = {
        .matters = on_mount_matters,
        .changed = on_mount_changed,
};

static int on_walk_watch(void *ctx, struct slice dir)
{
	struct pipeline *pipeline = ctx;
	return pipeline_watched(pipeline, dir, watch_add(pipeline->watch, dir));
}

static void on_walk_unwatch(void *ctx, struct slice dir)
{
	struct pipeline *pipeline = ctx;
	watch_remove(pipeline->watch, dir);
}

void pipeline_retire(void *ctx, struct slice path)
{
	struct touch touch = {
	        .path = path, .hints = TOUCH_RETIRE | TOUCH_DONE, .cause = CAUSE_OFFLINE};
	pipeline_settle(ctx, &touch);
}

/* What stands below an excluded directory may still be watched by an entry of its own. */
static void settle_retirement(struct pipeline *pipeline, const struct touch *touch)
{
	struct reason why;
	if (!filter_leads_to_entry(pipeline->filter, touch->path))
		pipeline_settle(pipeline, touch);
	else if (roots_each_retired_below(pipeline->state, pipeline->filter, touch->path,
	                 pipeline_retire, pipeline, &why) < 0)
		log_error("%s", why.text);
}

static void on_walk_compared(void *ctx, struct slice dir, struct slice after)
{
	struct pipeline *pipeline = ctx;
	journal_repeat(pipeline->journal, dir, after);
}

static void on_walk_touched(void *ctx, const struct touch *touches, size_t count)
{
	struct pipeline *pipeline = ctx;
	for (size_t i = 0; i < count; i++) {
		if (touches[i].hints & TOUCH_RETIRE)
			settle_retirement(pipeline, &touches[i]);
		else
			pipeline_settle(pipeline, &touches[i]);
	}
	journal_kick(pipeline->journal);
}

static bool on_walk_is_held(void *ctx)
{
	struct pipeline *pipeline = ctx;
	return settle_count(pipeline->settle) > WALK_AHEAD || pipeline->is_full;
}

void pipeline_settle_overflowed(void *ctx, struct slice dir, enum event_cause cause)
{
	struct pipeline *pipeline = ctx;
	walk_request_entries(pipeline->walk, dir, cause);
}

static void on_walk_idle(void *ctx)
{
	struct pipeline *pipeline = ctx;
	watch_compared(pipeline->watch);
	unwatched_round_over(pipeline->unwatched);
	pipeline_end_scan(pipeline);
	pipeline_step_packages(pipeline);
}

const struct walk_events PIPELINE_WALK_EVENTS = {
        .watch = on_walk_watch,
        .unwatch = on_walk_unwatch,
        .compared = on_walk_compared,
        .touched = on_walk_touched,
        .degraded = on_degraded,
        .is_held = on_walk_is_held,
        .idle = on_walk_idle,
};
