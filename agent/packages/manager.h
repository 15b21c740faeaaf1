/*
 * manager - what a package manager brings along so that its runs are explained: the places where a
 * run shows, who holds its lock, a look at its database, and what that says of a changed path. All
 * else (waiting, telling, summing up) is common to all of them: packages.h.
 *
 * Thread   is_present and holder: the loop's. look: a worker's. wants_md5 and label: any; the
 *          manifest is sealed.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_MANAGER_H
#define TSUJIBAN_AGENT_PACKAGES_MANAGER_H

#include <sys/types.h>

#include "agent/packages/label.h"
#include "agent/packages/signs.h"

enum manager_holder {
	HOLDER_NONE,     /* nobody holds a lock */
	HOLDER_WORKS,    /* the package manager itself does, and works on the database */
	HOLDER_IS_NEAR,  /* a front end does, which may call the package manager again */
	HOLDER_STRANGER, /* a program that is no package manager does */
};

struct kv_txn;
struct survey;

struct manager {
	const char *name; /* of explanations and summaries: "dpkg" */
	const struct signs_place *places;
	size_t place_count;
	/* Whether it was ever used here; NULL: that cannot be told beforehand. */
	bool (*is_present)(const char *root);
	/* `kept`: a file descriptor for it to keep between two calls, -1 at first; the caller
	 * closes it in the end. */
	enum manager_holder (*holder)(const char *root, int *kept, pid_t *out_pid);
	/* Fills the survey's results; what is known of the last look is in the transaction. */
	int (*look)(struct survey *survey, struct kv_txn *txn);
	bool (*wants_md5)(const struct manifest *manifest, struct slice path);
	/* False: not explained. Sets all of `out` but manager and transaction. */
	bool (*label)(const struct manifest *manifest, const struct change *change,
	        struct explained *out);
};

/* `root`: "" or a directory without a trailing slash. */
extern const struct manager MANAGER_DPKG;
extern const struct manager MANAGER_RPM;

#endif
