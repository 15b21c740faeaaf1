/*
 * compare - one directory on disk against what the baseline knows of it: the worker's half of
 * walk.
 *
 * Both are read in name order and merged. An entry that is new, gone, or differs by stat
 * (filestate_stands) is touched; one that the baseline knows and the filter no longer covers is
 * touched with TOUCH_RETIRE. Where the baseline knows nothing of a directory, nothing in it is
 * stat'ed but subdirectories: everything is touched anyway.
 *
 * Life     comparer_new -> comparer_run* -> comparer_free. Keeps its memory from run to run.
 * Owner    what a run gives out lives in the caller's arena.
 * Errors   comparer_run: -ENOENT or -ENOTDIR when it is no directory (any more), -ESTALE when the
 *          path leads through a link by now, -EACCES, … when it cannot be listed, the store's.
 *          Nothing is touched then: a listing that broke off would make what it lacks look deleted.
 * Thread   one comparer is one worker's own. The filter is shared.
 */
#ifndef TSUJIBAN_AGENT_FIM_COMPARE_H
#define TSUJIBAN_AGENT_FIM_COMPARE_H

#include "agent/fim/filter.h"
#include "agent/touch/touch.h"
#include "common/base/arena.h"
#include "common/store/kv.h"

struct comparer;

struct compare_request {
	struct slice dir;
	struct slice after; /* go on behind this name; absent: from the beginning */
	bool with_self;     /* compare the directory itself too */
	bool entries_only;  /* subdirectories are not gone on with: new ones get TOUCH_RELIST */
	enum event_cause cause;
	size_t most_results; /* stop once touches and subdirectories are as many; 0: no limit */
};

struct compared {
	const struct touch *touch;
	size_t touch_count;
	const struct slice *subdir; /* paths to go on with, in name order */
	size_t subdir_count;
	struct slice after; /* where it stopped early; absent: it is complete */
	uint64_t entries;   /* seen on disk */
	uint64_t too_long;  /* left out: their paths do not fit into PATH_MAX */
};

struct comparer *comparer_new(const struct filter *filter);
void comparer_free(struct comparer *comparer);

int comparer_run(struct comparer *comparer, struct kv_txn *txn,
        const struct compare_request *request, struct arena *arena, struct compared *out);

/* Whether what lies there is kept nowhere: proc, sysfs, cgroup and the like. */
bool is_pseudo_fs(const char *path);

#endif
