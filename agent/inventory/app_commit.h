/*
 * app_commit - what a walk has found, compared with what was known, and written: appbook, factbook
 * and spool in one transaction.
 *
 * What was not met and is not out of sight is gone, with its facts. System packages that own the
 * files are looked up; where their databases cannot be read, the owners stay as they were known.
 *
 * Thread   a worker; the transaction is its own.
 */
#ifndef TSUJIBAN_AGENT_INVENTORY_APP_COMMIT_H
#define TSUJIBAN_AGENT_INVENTORY_APP_COMMIT_H

#include "agent/inventory/app_walk.h"

struct app_commit {
	/* The paths that were walked; none: everything, and all that is known is within it. */
	const struct slice *path;
	size_t path_count;
	enum event_cause cause;
	int64_t now_ns;
	/* What came of it. */
	uint64_t events;
	int64_t packages; /* that are known now; more than before, when paths were walked */
};

/* The walk has come to its end (rc 0). Negative with a reason: nothing was written. */
int app_commit_run(struct app_commit *commit, struct app_walk *walk, struct reason *out_why);

#endif
