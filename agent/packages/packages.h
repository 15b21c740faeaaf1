/*
 * packages - package managers' runs: what they change is read when they are done, explained by
 * their database, and summed up in one event.
 *
 *	idle ──signs of a run, its lock is held─► running (reading waits)
 *	  ▲                                        │ lock free and quiet, or 15 minutes
 *	  │ summary, mark                          ▼
 *	telling (an explainer is set) ◄── surveying (a worker looks at log and database)
 *
 * Reading waits because of a file that is half a package's and half another's nothing can be said:
 * dpkg unpacks a file first and writes its digest into the database later. What waits, merges per
 * path; so a file that is replaced by way of NAME.dpkg-new is one change. Only a dpkg that says in
 * its log that it has begun makes reading wait, so apt asking "Do you want to continue?" does not,
 * nor does anybody else who holds the lock.
 *
 * Where a run ended is remembered (ledger.h) together with its summary: what was done while the
 * agent was down, or was being told when it was killed, is explained at the next start.
 *
 * A run of rpm begins with the opening of its lock, and what it writes then may be ready to be read
 * some milliseconds later. So the signs are looked at before anything is read, and reading holds
 * its breath until the lock is seen to be taken, or is not; not again before that is long past,
 * since anybody may open a lock.
 *
 * A change of the database that no run accounts for is an event of its own.
 *
 * What is said of dpkg here holds for each package manager in its way (manager.h); there is one
 * `struct packages` for each.
 *
 * Life     packages_new -> packages_start -> the loop -> packages_free (waits for its worker).
 * Memory   while a run is told: 40 bytes for each path of its packages and 8 for each that any
 *          package owns. Nothing otherwise.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_PACKAGES_H
#define TSUJIBAN_AGENT_PACKAGES_PACKAGES_H

#include "agent/state/state.h"
#include "agent/touch/explainer.h"
#include "common/io/loop.h"

struct manager;
struct packages;

struct packages_events {
	/* Touched paths are not to be read until it is called with false. */
	void (*wait)(void *ctx, bool wait);
	/* Asked about every change that is read from now on; NULL: nobody. */
	void (*explain)(void *ctx, struct explainer *explainer);
	/* Whether all that had been touched when `explain` was last called has been written. */
	bool (*is_told)(void *ctx);
	void (*note)(void *ctx, const struct event *event);
	/* To be written to the state's meta values in one transaction with what was noted in the
	 * same step; an empty value deletes. */
	void (*remember)(void *ctx, struct slice name, struct slice value);
	/* The end of such a step: a good moment to give memory back. */
	void (*noted)(void *ctx);
};

/* 0 stands for the default. */
struct packages_limits {
	uint64_t quiet_ms; /* after the last sign of a run; default 300 */
	uint64_t most_ms;  /* that reading waits in one piece; default 15 minutes */
};

/* `root`: "/", or where the system lies whose database is read. */
int packages_new(struct loop *loop, struct state *state, const struct manager *manager,
        const char *root, const struct packages_limits *limits,
        const struct packages_events *events, void *ctx, struct packages **out,
        struct reason *out_why);
void packages_free(struct packages *packages);
/* Looks whether a run is under way and what was done since the last one. */
void packages_start(struct packages *packages);
/* Touched paths are about to be read: takes notice of what has just been said of a run. */
void packages_glance(struct packages *packages);
/* Something was written, or a walk has ended: is_told may have another answer. */
void packages_step(struct packages *packages);

#endif
