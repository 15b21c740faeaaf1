#include "collector/store/jobs.h"

#define GROUP_JOBS_MAX  4096
#define GROUP_BYTES_MAX (64u << 20)

void jobs_clear(struct job_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

void jobs_add(struct job_list *list, struct store_job *job)
{
	job->next = NULL;
	*list->end = job;
	list->end = &job->next;
}

void jobs_add_all(struct job_list *list, struct job_list *more)
{
	if (!more->first)
		return;
	*list->end = more->first;
	list->end = more->end;
	jobs_clear(more);
}

void jobs_take_group(struct job_list *from, struct job_list *out_group)
{
	struct store_job *job;
	size_t count = 0, bytes = 0;

	jobs_clear(out_group);
	while ((job = from->first) != NULL) {
		if (count > 0 && (count == GROUP_JOBS_MAX || bytes + job->bytes > GROUP_BYTES_MAX))
			return;
		from->first = job->next;
		count++;
		bytes += job->bytes;
		jobs_add(out_group, job);
	}
	jobs_clear(from);
}

static void set_all(const struct job_list *group, int code, const struct reason *why)
{
	for (struct store_job *job = group->first; job; job = job->next) {
		job->code = code;
		job->why = *why;
	}
}

/* As if nothing could fail: no nested transactions. False: some job failed, nothing was kept. */
static bool apply_plainly(const struct job_list *group, struct kv_txn *txn)
{
	for (struct store_job *job = group->first; job; job = job->next) {
		job->why.text[0] = '\0';
		job->code = job->apply(job, txn, &job->why);
		if (job->code < 0)
			return false;
	}
	return true;
}

static int apply_nested(struct store_job *job, struct kv_txn *txn)
{
	struct kv_txn *nested;
	int rc;

	job->why.text[0] = '\0';
	rc = kv_begin_nested(txn, &nested);
	if (rc < 0)
		return fail(&job->why, rc, "cannot begin a step: %s", err_text(rc));
	rc = job->apply(job, nested, &job->why);
	if (rc < 0) {
		kv_abort(nested);
		return rc;
	}
	rc = kv_commit(nested);
	return rc < 0 ? fail(&job->why, rc, "cannot keep a step: %s", err_text(rc)) : 0;
}

/* The whole group in one transaction. The first try is without nested transactions, which cost a
 * copy of every touched page's bookkeeping; only when a job fails is the group done again, each job
 * by itself. */
static int write_group(struct kv *kv, const struct job_list *group, struct reason *out_why)
{
	struct kv_txn *txn;
	int rc = kv_begin_write(kv, &txn);

	if (rc < 0)
		return fail(out_why, rc, "cannot begin to write: %s", err_text(rc));
	if (!apply_plainly(group, txn)) {
		kv_abort(txn);
		if (!group->first->next)
			return 0;
		rc = kv_begin_write(kv, &txn);
		if (rc < 0)
			return fail(out_why, rc, "cannot begin to write: %s", err_text(rc));
		for (struct store_job *job = group->first; job; job = job->next)
			job->code = apply_nested(job, txn);
	}
	rc = kv_commit(txn);
	return rc < 0 ? fail(out_why, rc, "cannot commit: %s", err_text(rc)) : 0;
}

void jobs_write(struct kv *kv, const struct job_list *group)
{
	struct reason why = {""};
	int rc = write_group(kv, group, &why);

	if (rc < 0)
		set_all(group, rc, &why);
}
