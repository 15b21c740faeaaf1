/*
 * walk_job - some directories compared on a worker, one after the other.
 *
 * Several directories make one job, so that small ones do not cost a change of threads each; a job
 * ends early when it has seen WALK_JOB_ENTRIES, so that its results stay small.
 *
 * Life     walk_job_new -> (add*, run on a worker, read the results, reset)* -> walk_job_free.
 * Owner    owns the items that were added until they are taken back.
 * Thread   add and reset: the loop's; walk_job_run: a worker, while nobody else touches the job
 *          but for is_dropped.
 */
#ifndef TSUJIBAN_AGENT_FIM_WALK_JOB_H
#define TSUJIBAN_AGENT_FIM_WALK_JOB_H

#include <stdatomic.h>

#include "agent/fim/compare.h"
#include "agent/fim/walk_queue.h"
#include "common/base/budget.h"

#define WALK_JOB_DIRECTORIES 64
#define WALK_JOB_ENTRIES     1024
#define WALK_JOB_RESULTS     16384 /* of one directory: a larger one takes several turns */

struct walk_result {
	struct walk_item *item; /* NULL when it was taken back */
	bool is_done;           /* otherwise the job ended before it */
	int rc;
	struct compared compared;
};

struct walk_job {
	struct walk *walk; /* NULL when it is gone: nobody waits for the results */
	struct kv *kv;
	struct comparer *comparer;
	struct budget *budget;
	struct arena *arena;
	struct walk_result result[WALK_JOB_DIRECTORIES];
	size_t count;
	bool is_busy;
	atomic_bool is_dropped;
};

struct walk_job *walk_job_new(
        struct walk *walk, struct kv *kv, const struct filter *filter, struct budget *budget);
void walk_job_free(struct walk_job *job);
void walk_job_add(struct walk_job *job, struct walk_item *item);
void walk_job_run(struct walk_job *job);
void walk_job_reset(struct walk_job *job);

#endif
