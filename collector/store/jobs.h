/*
 * jobs - lists of jobs, and how a group of them becomes one transaction.
 *
 * Private to collector/store.
 *
 * Thread   any, one at a time for each list.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_JOBS_H
#define TSUJIBAN_COLLECTOR_STORE_JOBS_H

#include "collector/store/store.h"

/* First in, first out; never copied: `end` may point into it. */
struct job_list {
	struct store_job *first;
	struct store_job **end; /* where the next one is hung */
};

void jobs_clear(struct job_list *list);
void jobs_add(struct job_list *list, struct store_job *job);
/* Leaves `more` empty. */
void jobs_add_all(struct job_list *list, struct job_list *more);
/* Takes what fits into one transaction; a single job always does. */
void jobs_take_group(struct job_list *from, struct job_list *out_group);

/* Applies the group and commits it. Every job has its code and sentence then. */
void jobs_write(struct kv *kv, const struct job_list *group);

#endif
