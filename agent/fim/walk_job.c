#include "agent/fim/walk_job.h"

#include <stdlib.h>

#include "common/base/mem.h"

#define ARENA_BYTES (256u << 20) /* a cap for paths of 4 KiB; a usual job needs some 100 KiB */

struct walk_job *walk_job_new(
        struct walk *walk, struct kv *kv, const struct filter *filter, struct budget *budget)
{
	struct walk_job *job = mem_new(sizeof(*job));
	job->walk = walk;
	job->kv = kv;
	job->budget = budget;
	job->comparer = comparer_new(filter);
	job->arena = arena_new(ARENA_BYTES);
	atomic_init(&job->is_dropped, false);
	return job;
}

void walk_job_free(struct walk_job *job)
{
	if (!job)
		return;
	walk_job_reset(job);
	comparer_free(job->comparer);
	arena_free(job->arena);
	free(job);
}

void walk_job_add(struct walk_job *job, struct walk_item *item)
{
	job->result[job->count++] = (struct walk_result){.item = item};
}

void walk_job_reset(struct walk_job *job)
{
	for (size_t i = 0; i < job->count; i++)
		walk_item_free(job->result[i].item);
	job->count = 0;
	arena_reset(job->arena);
}

static void compare(struct walk_job *job, struct kv_txn *txn, struct walk_result *result)
{
	const struct walk_item *item = result->item;
	struct compare_request request = {
	        .dir = walk_item_path(item),
	        .after = slice_of(item->after, item->after_len),
	        .with_self = item->with_self,
	        .entries_only = !item->is_recursive,
	        .cause = item->cause,
	        .most_results = WALK_JOB_RESULTS,
	};
	result->rc = comparer_run(job->comparer, txn, &request, job->arena, &result->compared);
	result->is_done = true;
}

static void fail_all(struct walk_job *job, int rc)
{
	for (size_t i = 0; i < job->count; i++) {
		job->result[i].rc = rc;
		job->result[i].is_done = true;
	}
}

void walk_job_run(struct walk_job *job)
{
	struct kv_txn *txn = NULL;
	uint64_t entries = 0, before_ns = budget_thread_cpu_ns();
	int rc = kv_begin_read(job->kv, &txn);
	if (rc < 0) {
		fail_all(job, rc);
		return;
	}
	for (size_t i = 0; i < job->count && entries < WALK_JOB_ENTRIES; i++) {
		if (atomic_load(&job->is_dropped))
			break;
		compare(job, txn, &job->result[i]);
		entries += job->result[i].compared.entries;
	}
	kv_abort(txn);
	budget_spend(job->budget, 0, budget_thread_cpu_ns() - before_ns);
}
