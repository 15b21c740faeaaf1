#include "agent/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/fim/settle.h"
#include "agent/fim/unwatched.h"
#include "agent/fim/walk.h"
#include "agent/watch/watch.h"
#include "agent/fim/audit.h"
#include "agent/inventory/inventory.h"
#include "agent/sender/sender.h"
#include "agent/state/state.h"
#include "agent/status.h"
#include "agent/who/who.h"
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/confine/confine.h"

#define REST_MS      200
#define PROGRESS_MS  500
#define DEGRADED_MAX 100

struct report {
	struct report_stages stages;
	struct status status;
	struct timer *rest;
	struct timer *progress;
	int64_t started_ns;
	const char *scan; /* "first scan", "comparison with the baseline"; NULL: over */
	char held[REASON_MAX];
	struct buf degraded; /* lines */
	unsigned degraded_count;
};

static void put_confined(
        struct report *report, const char *whose, const char *on, const char *missing)
{
	char key[32];
	snprintf(key, sizeof(key), "%sconfined", whose);
	if (on[0])
		status_put(&report->status, key, "%s", on);
	snprintf(key, sizeof(key), "%snot_confined", whose);
	if (missing[0])
		status_put(&report->status, key, "%s", missing);
}

static void put_sender(struct report *report)
{
	struct sender_status sender;
	char time[CLOCK_TEXT_MAX];
	sender_status(report->stages.sender, &sender);
	status_put(&report->status, "sender_pid", "%d", sender.pid);
	status_put(&report->status, "link", "%s", sender.state);
	if (sender.host[0])
		status_put(&report->status, "host", "%s", sender.host);
	if (sender.why[0])
		status_put(&report->status, "link_error", "%s", sender.why);
	put_confined(report, "sender_", sender.confined, sender.not_confined);
	if (sender.connected_since_ns)
		status_put(&report->status, "connected_since", "%s",
		        clock_format((int64_t)sender.connected_since_ns, time));
	status_put(
	        &report->status, "confirmed_seq", "%llu", (unsigned long long)sender.confirmed_seq);
}

static void put_watch(struct report *report)
{
	const struct report_stages *stages = &report->stages;
	const struct watch_config *watch = stages->config->watch.item;
	struct walk_progress progress = walk_progress(stages->walk);
	const char *source = watch_source_name(stages->watch);
	status_put(&report->status, "source", "%s", source);
	status_put(&report->status, "actors", "%s",
	        strcmp(source, "inotify") == 0 ? "not with inotify" : who_source_name(stages->who));
	if (watch_source_reason(stages->watch))
		status_put(
		        &report->status, "source_reason", "%s", watch_source_reason(stages->watch));
	for (size_t i = 0; i < stages->config->watch.count; i++)
		status_put(&report->status, "watch", "%s%s", watch[i].path,
		        watch[i].recursive ? "" : " (not below)");
	status_put(&report->status, "watched_directories", "%zu", watch_count(stages->watch));
	status_put(&report->status, "unwatched_directories", "%zu",
	        unwatched_count(stages->unwatched));
	status_put(&report->status, "pending_paths", "%zu", settle_count(stages->settle));
	status_put(&report->status, "busy_paths", "%zu",
	        settle_count(stages->settle) - settle_count_current(stages->settle));
	status_put(&report->status, "scan", "%s", report->scan ? report->scan : "complete");
	if (report->scan) {
		status_put(&report->status, "scan_entries", "%llu",
		        (unsigned long long)progress.entries);
		status_put(&report->status, "scan_queued", "%llu",
		        (unsigned long long)progress.queued);
	}
}

static void put_audit(struct report *report)
{
	struct audit_status audit = audit_status(report->stages.audit);
	if (audit.portions == 0) {
		status_put(&report->status, "audit", "off");
		return;
	}
	status_put(&report->status, "audit", "%u of %u portions of round %llu", audit.portion,
	        audit.portions, (unsigned long long)audit.rounds + 1);
}

static void put_inventory(struct report *report)
{
	struct inventory_status inventory;
	char time[CLOCK_TEXT_MAX];
	inventory_status(report->stages.inventory, &inventory);
	status_put(&report->status, "packages", "%zu", inventory.packages);
	status_put(&report->status, "kernels", "%zu", inventory.kernels);
	if (inventory.last_pass_ns)
		status_put(&report->status, "inventory_at", "%s",
		        clock_format(inventory.last_pass_ns, time));
	status_put(&report->status, "app_packages", "%zu", inventory.app_packages);
	status_put(&report->status, "app_files_opened", "%zu", inventory.app_opened);
	status_put(&report->status, "app_complaints", "%zu", inventory.app_complaints);
	if (inventory.last_app_ns)
		status_put(&report->status, "app_walk_at", "%s",
		        clock_format(inventory.last_app_ns, time));
	if (inventory.why[0])
		status_put(&report->status, "degraded", "%s", inventory.why);
	if (inventory.app_why[0])
		status_put(
		        &report->status, "degraded", "application packages: %s", inventory.app_why);
}

static void put_degraded(struct report *report)
{
	struct slice rest = buf_slice(&report->degraded), line;
	if (report->held[0])
		status_put(&report->status, "degraded", "%s", report->held);
	status_put(&report->status, "degraded_paths", "%u", report->degraded_count);
	while (text_take_line(&rest, &line))
		status_put(&report->status, "degraded", "%.*s", SLICE_ARG(line));
}

static void write_status(void *ctx)
{
	struct report *report = ctx;
	char time[CLOCK_TEXT_MAX];
	status_begin(&report->status);
	status_put(&report->status, "pid", "%d", (int)getpid());
	status_put(&report->status, "version", "%s", TSUJIBAN_VERSION);
	status_put(&report->status, "started", "%s", clock_format(report->started_ns, time));
	status_put(&report->status, "collector", "%s", report->stages.config->collector);
	if (report->stages.confined)
		put_confined(
		        report, "", report->stages.confined->on, report->stages.confined->missing);
	put_sender(report);
	put_watch(report);
	put_audit(report);
	put_inventory(report);
	put_degraded(report);
	status_end(&report->status);
}

static void show_progress(void *ctx)
{
	struct report *report = ctx;
	struct walk_progress progress = walk_progress(report->stages.walk);
	fprintf(stderr, "\r%s: %llu entries seen, %llu directories to go, %zu waiting   ",
	        report->scan, (unsigned long long)progress.entries,
	        (unsigned long long)progress.queued, settle_count(report->stages.settle));
}

int report_new(struct loop *loop, const struct report_stages *stages, struct report **out,
        struct reason *out_why)
{
	struct report *report = mem_new(sizeof *report);
	report->stages = *stages;
	report->started_ns = clock_wall_ns();
	int rc = status_open(stages->config->state_dir, &report->status, out_why);
	if (rc < 0) {
		free(report);
		return rc;
	}
	report->rest = timer_new(loop, write_status, report);
	report->progress = timer_new(loop, show_progress, report);
	*out = report;
	return 0;
}

void report_free(struct report *report)
{
	if (!report)
		return;
	timer_free(report->rest);
	timer_free(report->progress);
	status_close(&report->status);
	buf_fini(&report->degraded);
	free(report);
}

void report_changed(struct report *report)
{
	if (!timer_is_active(report->rest))
		timer_start(report->rest, REST_MS, 0);
}

void report_scan(struct report *report, bool is_first)
{
	report->scan = is_first ? "first scan" : "comparison with the baseline";
	if (isatty(STDERR_FILENO))
		timer_start(report->progress, PROGRESS_MS, PROGRESS_MS);
	report_changed(report);
}

void report_scan_over(struct report *report)
{
	if (timer_is_active(report->progress)) {
		timer_stop(report->progress);
		fprintf(stderr, "\n");
	}
	report->scan = NULL;
	report_changed(report);
}

void report_degraded(struct report *report, struct slice path, const char *why)
{
	if (report->degraded_count++ < DEGRADED_MAX) {
		text_append_display(&report->degraded, path);
		buf_printf(&report->degraded, ": %s\n", why);
	}
	report_changed(report);
}

void report_held(struct report *report, const char *why)
{
	snprintf(report->held, sizeof report->held, "%s", why ? why : "");
	report_changed(report);
}
