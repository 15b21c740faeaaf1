/*
 * pipeline_private - what the files of the pipeline share.
 *
 *   pipeline.c        life, the arrows from settle to the spool and on to the collector, and back
 *   pipeline_touch.c  the arrows from the kernel and the walk to settle
 *   pipeline_links.c  configured paths that are links
 *   pipeline_unwatched.c  what could not be watched is compared from time to time
 *   pipeline_packages.c  package managers' runs: reading waits for them, what they did is explained
 *   pipeline_scan.c   the scan that every start begins with
 *   pipeline_life.c   what is told of a start and of an end
 */
#ifndef TSUJIBAN_AGENT_PIPELINE_PRIVATE_H
#define TSUJIBAN_AGENT_PIPELINE_PRIVATE_H

#include "agent/fim/filter.h"
#include "agent/fim/journal.h"
#include "agent/fim/links.h"
#include "agent/fim/settle.h"
#include "agent/fim/walk.h"
#include "agent/watch/watch.h"
#include "agent/pipeline.h"

struct audit;
struct budget;
struct explainer;
struct inventory;
struct mounts;
struct report;
struct sender;
struct trimmer;
struct unwatched;
struct who;
struct watchlist;

/* dpkg and rpm. */
#define PIPELINE_MANAGERS 2

struct packages;

/* One package manager. */
struct pipeline_packages {
	struct pipeline *pipeline;
	struct packages *packages; /* NULL: it was never used here */
	struct explainer *explainer;
	bool is_waiting; /* reading is to wait for its run */
};

struct pipeline {
	struct loop *loop;
	struct state *state;
	const struct agent_config *config;
	const struct confine_notes *confined; /* for status */
	void (*end)(void *ctx, enum pipeline_end why);
	void *ctx;

	struct watchlist *watchlist;
	struct filter *filter;
	struct who *who;
	struct watch *watch;
	struct mounts *mounts; /* NULL: nobody can tell of them */
	struct walk *walk;
	struct settle *settle;
	struct journal *journal;
	struct links *links;
	struct budget *budget; /* of bulk work */
	struct audit *audit;
	struct unwatched *unwatched;
	struct pipeline_packages packages[PIPELINE_MANAGERS];
	struct inventory *inventory;
	struct trimmer *trimmer;
	struct sender *sender;
	struct report *report;

	uint64_t scan_began_ms;
	bool is_scanning; /* the walk that every start begins with is not yet committed to the last
	                     path */
	bool is_first;    /* and some of it is a first baseline */
	bool is_rest_due; /* of memory that work needed, as soon as there is none */
	bool is_marked;   /* settle, since the last walk ended, for a package manager's run */
	bool is_hurried;  /* something live waits: bulk work is not held back */
	bool is_full;     /* the spool holds the reading half */
	bool has_gap_noted; /* and no batch was committed since: one is enough */
	unsigned degraded_count;
	bool has_links_moved; /* a configured path leads elsewhere now */
	bool is_ending;       /* `end` was called for that */
	unsigned commits_since;
	struct timer *leaving; /* NULL: nobody has asked it to end */
	uint64_t left_seq;     /* of the event that says so; 0: it is not written yet */
};

/* An event of the agent's own; `detail` a sentence. */
void pipeline_note(struct pipeline *pipeline, enum event_kind kind, enum event_action action,
        struct slice path, const char *detail, uint32_t count);

/* The ctx of both is the pipeline. */
extern const struct watch_events PIPELINE_WATCH_EVENTS;
extern const struct walk_events PIPELINE_WALK_EVENTS;
extern const struct mounts_events PIPELINE_MOUNTS_EVENTS;
void pipeline_settle(struct pipeline *pipeline, const struct touch *touch);
/* For the journal: what was committed of a path. */
void pipeline_changed(void *pipeline, struct slice path, bool is_directory);
/* For links: other names of a file that has changed; there were too many. */
void pipeline_touch_name(void *pipeline, const struct touch *touch);
void pipeline_compare_all(void *pipeline);
void pipeline_settle_overflowed(void *ctx, struct slice dir, enum event_cause cause);
/* Walks every root that is `dir` or lies below it. */
void pipeline_walk_roots(struct pipeline *pipeline, struct slice dir, enum event_cause cause);

int pipeline_make_packages(struct pipeline *pipeline, struct reason *out_why);
void pipeline_free_packages(struct pipeline *pipeline);
/* As packages.h says of glance (the ctx is the pipeline), start and step. */
void pipeline_glance_at_packages(void *pipeline);
void pipeline_start_packages(struct pipeline *pipeline);
void pipeline_step_packages(struct pipeline *pipeline);
void pipeline_rest_if_due(struct pipeline *pipeline);

void pipeline_tell_links(struct pipeline *pipeline);
/* Something happened to this path. */
void pipeline_look_for_links(struct pipeline *pipeline, struct slice path);
/* Called after every batch: begins again once what was under way is written. */
void pipeline_follow_links(struct pipeline *pipeline);

/* For unwatched: one directory. */
bool pipeline_compare_unwatched(void *pipeline, struct slice dir);
/* The answer of watch_add, which is given back. */
int pipeline_watched(struct pipeline *pipeline, struct slice dir, int rc);

void pipeline_tell_start(struct pipeline *pipeline);
/* Called after every batch, every confirmation and every change of the link: ends once `stopped` is
 * where it has to be. */
void pipeline_step_leave(struct pipeline *pipeline);

void pipeline_begin_scan(struct pipeline *pipeline);
/* Called whenever something may have been the last of it. */
void pipeline_end_scan(struct pipeline *pipeline);
/* Gives memory back that only work needed. */
void pipeline_rest(struct pipeline *pipeline);
void pipeline_retire(void *pipeline, struct slice path);

#endif
