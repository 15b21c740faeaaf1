/*
 * report - what people are told of the running agent: the status file, progress on a terminal.
 *
 * Asks the stages, changes nothing in them. Written a moment after something changed; nothing wakes
 * it otherwise.
 *
 * Life     report_new -> changed*, degraded* -> report_free.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_REPORT_H
#define TSUJIBAN_AGENT_REPORT_H

#include "common/base/slice.h"
#include "common/io/loop.h"

struct agent_config;
struct audit;
struct confine_notes;
struct inventory;
struct reason;
struct report;
struct settle;
struct sender;
struct state;
struct unwatched;
struct walk;
struct watch;
struct who;

/* The stages to ask; they live longer than the report. */
struct report_stages {
	const struct agent_config *config;
	const struct confine_notes *confined; /* NULL: nothing is known of it */
	struct state *state;
	const struct watch *watch;
	const struct who *who;
	const struct walk *walk;
	const struct unwatched *unwatched;
	const struct settle *settle;
	const struct audit *audit;
	const struct inventory *inventory;
	const struct sender *sender;
};

int report_new(struct loop *loop, const struct report_stages *stages, struct report **out,
        struct reason *out_why);
void report_free(struct report *report);

void report_changed(struct report *report);
/* Shows progress on a terminal until the scan is over. */
void report_scan(struct report *report, bool is_first);
void report_scan_over(struct report *report);
/* One more thing that is seen less well; only the first hundred are listed, all are counted. */
void report_degraded(struct report *report, struct slice path, const char *why);
/* The spool is full or the store cannot be written: why reading waits; NULL: it does not. */
void report_held(struct report *report, const char *why);

#endif
