/*
 * walk - compares directories on disk with the baseline, and touches what differs.
 *
 * For each directory in turn: ask for a watch (before the listing, so that nothing made in between
 * is missed), list it on a worker, merge the listing with the baseline's entries of it in name
 * order, and touch what is new, what is gone, and what stat says has changed (filestate_stands). A
 * directory without a baseline entry is not stat'ed file by file: everything in it is touched.
 * Subdirectories are queued. Links are not followed; file systems that are not on disk (proc,
 * sysfs, cgroup, …) are not entered. The ancestors of a watch root are watched too (watched only,
 * not listed), as far as they exist: that tells when a root comes, goes, or is moved away with its
 * parent.
 *
 * Memory   the queue holds directories, not files; several requests for one directory become one.
 *          While `is_held` answers true, no further directory is begun; walk_resume looks again.
 *
 * Life     walk_new -> request* -> walk_free (waits for nothing: work under way is dropped when it
 *          returns; state and filter have to live until the loop is freed).
 * Thread   the loop's; listing and merging on workers with a read transaction of their own.
 */
#ifndef TSUJIBAN_AGENT_FIM_WALK_H
#define TSUJIBAN_AGENT_FIM_WALK_H

#include "agent/fim/filter.h"
#include "agent/touch/touch.h"
#include "agent/state/state.h"
#include "common/io/loop.h"

struct budget;
struct walk;

struct walk_events {
	/* Begin to watch this directory now; the answer (0 or negative) only matters to whoever
	 * gives it. */
	int (*watch)(void *ctx, struct slice dir);
	/* What was just watched under this path does not stand there. */
	void (*unwatch)(void *ctx, struct slice dir);
	/* The entries of `dir` behind the name `after` (absent: all), and `dir` itself, have been
	 * compared; `touched` is called next. NULL: nobody cares. */
	void (*compared)(void *ctx, struct slice dir, struct slice after);
	/* Many at once, after one directory was compared; borrowed for the call. */
	void (*touched)(void *ctx, const struct touch *touches, size_t count);
	/* A directory that cannot be listed. */
	void (*degraded)(void *ctx, struct slice dir, const char *why);
	bool (*is_held)(void *ctx);
	/* Everything that was requested has been compared (touches may still be on their way
	 * through settle and probe). */
	void (*idle)(void *ctx);
};

int walk_new(struct loop *loop, struct state *state, const struct filter *filter,
        const struct walk_events *events, void *ctx, struct walk **out);
void walk_free(struct walk *walk);

/* What comparing costs is spent of this budget, which has to outlive the walk. */
void walk_pace(struct walk *walk, struct budget *budget);
/* Compares `path` and, if it is a directory, everything below it that the filter covers. Touches
 * carry `cause`. */
void walk_request(struct walk *walk, struct slice path, enum event_cause cause);
/* Only the entries of this one directory. */
void walk_request_entries(struct walk *walk, struct slice dir, enum event_cause cause);
void walk_resume(struct walk *walk);
bool walk_is_idle(const struct walk *walk);

/* Whether a worker is comparing the entry `path` of `dir`; path absent: any of them. */
bool walk_is_comparing(const struct walk *walk, struct slice dir, struct slice path);

struct walk_progress {
	uint64_t directories; /* compared since the walk was last idle */
	uint64_t entries;     /* seen in them */
	uint64_t queued;      /* directories to come */
};
struct walk_progress walk_progress(const struct walk *walk);

#endif
