/*
 * survey - one look at a package manager's database: what was done since the last look, what the
 * packages concerned say of paths, and what changed in the database that no run accounts for.
 *
 * Life     survey_new -> survey_make (on a worker) -> its results are taken -> survey_free.
 * Owner    owns its results until they are taken (set to NULL).
 * Thread   survey_make: a worker, with a read transaction of its own; writes nothing.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_SURVEY_H
#define TSUJIBAN_AGENT_PACKAGES_SURVEY_H

#include "agent/packages/manager.h"
#include "agent/state/state.h"

#define UNLOGGED_MAX 32 /* changes of the database that are told one by one */

struct unlogged {
	struct slice path; /* of the database's file, with the root; in the arena */
	struct slice detail;
};

struct survey {
	const struct manager *manager;
	const char *root; /* "" or a directory without a trailing slash; borrowed */
	struct state *state;
	bool is_lock_unseen; /* nobody held the lock since the last look, and it was looked for */

	int rc;
	struct reason why;
	bool is_absent;            /* there is no such database here */
	bool is_first;             /* nothing was known before: nothing can be explained yet */
	struct manifest *manifest; /* NULL: nothing was done */
	uint64_t id;               /* of the run */
	/* Meta values that make the next survey begin here: name and value, each behind its length
	 * (4 bytes); an empty value: to be deleted. */
	struct buf puts;
	struct arena *arena;
	struct unlogged unlogged[UNLOGGED_MAX];
	uint32_t unlogged_count; /* may be more than UNLOGGED_MAX */
};

struct survey *survey_new(const struct manager *manager, struct state *state, const char *root);
void survey_free(struct survey *survey);
void survey_make(struct survey *survey);

/* The look begins once more: it has no results yet. */
void survey_reset(struct survey *survey);
/* For the manager's look: a meta value, empty to be deleted. */
void survey_put(struct survey *survey, const char *name, struct slice value);
/* Likewise: no run accounts for what the sentence says of the database's file (its path without the
 * root). */
void survey_tell(struct survey *survey, const char *file, const char *detail);

#endif
