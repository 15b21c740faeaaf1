/*
 * app_rounds - application packages kept up to date: a walk of all configured directories at start
 * and once an interval, and in between a look at the paths that somebody knows to have changed.
 *
 * One job at a time, on a thread of its own: it may be held back for minutes (budget) where a
 * worker of the loop would be missed. While it looks around, whoever else wants the disk goes
 * first.
 *
 * A package manager's work is followed by a walk as well, soon, since it is seldom watched.
 *
 * Touched paths are gathered until there was quiet for some seconds; too many of them are one walk.
 * Without directories nothing is looked at, and what was known of such packages is forgotten.
 *
 * Life     app_rounds_new -> start -> app_rounds_free (a job under way is told to stop, writes
 *          nothing, and is waited for; budget_stop comes first where there is one).
 * Errors   a job that cannot be written is tried again as a walk.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_INVENTORY_APP_ROUNDS_H
#define TSUJIBAN_AGENT_INVENTORY_APP_ROUNDS_H

#include "agent/state/state.h"
#include "common/io/loop.h"

struct app_rounds;
struct budget;

struct app_rounds_options {
	const char *root; /* "/" but in tests; borrowed, as the paths are */
	const char *const *path;
	size_t path_count;
	int64_t interval_ns;
	struct budget *budget; /* NULL: no limit */
	uint64_t quiet_ms;     /* 0: APP_QUIET_MS */
	uint64_t most_ms;      /* 0: APP_MOST_MS */
};

#define APP_QUIET_MS    2500  /* more than the two seconds that a change is doubted for */
#define APP_MOST_MS     15000 /* touched paths wait no longer */
#define APP_TOUCHED_MAX 4096  /* more of them are a walk */

struct app_rounds *app_rounds_new(struct loop *loop, struct state *state,
        const struct app_rounds_options *options, void (*committed)(void *ctx, uint64_t events),
        void *ctx);
void app_rounds_free(struct app_rounds *rounds);
void app_rounds_start(struct app_rounds *rounds);
/* As inventory_hold. */
void app_rounds_hold(struct app_rounds *rounds, bool hold);
/* A file changed; `is_directory`: it is, or was, a directory that came, went or was renamed.
 * Cheap when it is nothing to us. */
void app_rounds_touched(struct app_rounds *rounds, struct slice path, bool is_directory);

/* Much may have changed (a package manager was at work): a walk is to come soon, though not more
 * often than every five minutes. */
void app_rounds_ask(struct app_rounds *rounds);

struct app_rounds_status {
	size_t packages;
	size_t complaints;    /* of the last walk */
	int64_t last_walk_ns; /* wall clock; 0: none yet */
	size_t opened;        /* files, since the start */
	char why[REASON_MAX]; /* what is missing; empty when all is well */
};
void app_rounds_status(const struct app_rounds *rounds, struct app_rounds_status *out);

#endif
