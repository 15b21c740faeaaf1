#include "collector/ingest/batchjob.h"

#include "collector/store/picture.h"
#include "collector/store/sections.h"

#define LABELS_MAX \
	1000 /* of one host: they have no sum that a limit of facts could be held against */

static int note(struct batch_job *job, struct kv_txn *txn, const struct event *event)
{
	struct event *place = &job->events[job->note_count];
	int rc;

	*place = *event;
	rc = eventlog_note(txn, job->batch.host, place);
	if (rc == 0)
		job->note_count++;
	return rc;
}

/* The labels' texts are copied first: every note moves what was read from the store. */
static int note_labels(struct batch_job *job, struct kv_txn *txn)
{
	struct event event = {.time_ns = job->batch.received_ns,
	        .kind = EVENT_FACT,
	        .action = ACTION_INSTALLED,
	        .cause = CAUSE_BASELINE};
	struct host_record host;
	struct fact *labels;
	size_t count;
	int rc = hosts_get(txn, job->batch.host, &host);

	if (rc < 0)
		return rc;
	count = host.label_count;
	labels = arena_alloc_zeroed(job->arena, HOST_LABELS_MAX, sizeof(*labels));
	if (!labels)
		return ERR_LIMIT;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct fact label = {
		        .kind = FACT_LABEL, .field = {host.label_name[i], host.label_value[i]}};
		rc = fact_copy(&label, job->arena, &labels[i]);
	}
	for (size_t i = 0; rc == 0 && i < count; i++) {
		event.fact_after = &labels[i];
		rc = note(job, txn, &event);
	}
	return rc;
}

/* The host had a stream before this one: what its agent knew is gone, and so is what was known
 * through it. */
static int begin_anew(struct batch_job *job, struct kv_txn *txn)
{
	struct event gap = {.time_ns = job->batch.received_ns,
	        .kind = EVENT_AGENT,
	        .action = ACTION_GAP,
	        .cause = CAUSE_LIVE,
	        .detail = slice_text("a new stream began: the agent's state was lost or replaced")};
	int rc = picture_clear(txn, job->batch.host);

	job->is_new_stream = true;
	if (rc == 0)
		rc = note(job, txn, &gap);
	if (rc == 0)
		rc = note_labels(job, txn);
	return rc;
}

static enum verdict judge_sequence(const struct log_batch *batch, uint64_t stored_seq)
{
	if (batch->first_seq > stored_seq + 1)
		return VERDICT_HOLE;
	if (batch->first_seq + batch->count - 1 <= stored_seq)
		return VERDICT_DUPLICATE;
	return VERDICT_STORED;
}

/* --- what the host may take up --------------------------------------------------------------- */

/* Stored whatever the verdict is: events of the collector's own are few. */
static int hold(struct batch_job *job, struct kv_txn *txn, enum hold reason, const char *why)
{
	struct buf detail = BUF_INIT;
	bool is_new;
	int rc;

	job->verdict = VERDICT_HELD;
	job->why_held = why;
	buf_printf(&detail, USAGE_HELD_BACK "%s", why);
	rc = usage_hold(txn, job->batch.host, &job->usage, reason, job->batch.received_ns,
	        arena_copy(job->arena, buf_slice(&detail)), &job->events[0], &is_new);
	job->note_count = rc == 0 && is_new;
	buf_fini(&detail);
	return rc;
}

static int count_fact(void *ctx, const struct fact *fact)
{
	(void)fact;
	return ++*(uint64_t *)ctx > LABELS_MAX ? ERR_LIMIT : 0;
}

static int count_facts(struct batch_job *job, struct kv_txn *txn, uint64_t *out)
{
	uint64_t total = 0, count;
	int rc = 0;

	for (unsigned kind = 1; rc == 0 && kind <= FACT_KIND_MAX; kind++) {
		if (!section_is_synced((enum fact_kind)kind))
			continue;
		rc = sections_count(txn, job->batch.host, (enum fact_kind)kind, &count);
		total += rc == 0 ? count : 0;
	}
	*out = total;
	return rc;
}

static int judge_labels(struct batch_job *job, struct kv_txn *txn, uint64_t added)
{
	uint64_t held = added;
	int rc = picture_facts(txn, job->batch.host, FACT_LABEL, count_fact, &held);

	if (rc == ERR_LIMIT || held > LABELS_MAX)
		return hold(job, txn, HOLD_FACTS, "it has more labels than a host may have");
	return rc;
}

/* Facts that replace others are counted as new ones: by one batch at most. */
static int judge_facts(struct batch_job *job, struct kv_txn *txn)
{
	uint64_t added = 0, labels = 0, held;
	int rc;

	for (size_t i = 0; i < job->batch.count; i++) {
		const struct fact *fact = job->events[BATCHJOB_NOTES_MAX + i].fact_after;
		added += fact != NULL;
		labels += fact && fact->kind == FACT_LABEL;
	}
	if (job->limits->facts == 0 || added == 0)
		return 0;
	rc = count_facts(job, txn, &held);
	if (rc == 0 && held + added > job->limits->facts)
		return hold(job, txn, HOLD_FACTS, "it has more facts than limits.host_facts");
	return rc == 0 && labels > 0 ? judge_labels(job, txn, labels) : rc;
}

static int judge_usage(struct batch_job *job, struct kv_txn *txn)
{
	const struct ingest_limits *limits = job->limits;

	if (limits->log_bytes > 0 && job->usage.log_bytes + job->plain_bytes > limits->log_bytes)
		return hold(job, txn, HOLD_LOG,
		        "its events take up more of the store than limits.host_store_percent");
	return judge_facts(job, txn);
}

static int judge_new_stream(struct batch_job *job, struct kv_txn *txn)
{
	int64_t now_ns = job->batch.received_ns;

	if (!usage_may_begin_stream(&job->usage, job->limits->streams_a_day, now_ns))
		return hold(job, txn, HOLD_STREAMS,
		        "its stream began anew more often today than limits.host_streams_per_day");
	usage_count_stream(&job->usage, now_ns);
	return begin_anew(job, txn);
}

/* Whether the batch is to be stored, and what has to come before it. */
static int judge_stream(struct batch_job *job, struct kv_txn *txn)
{
	uint8_t current[WIRE_STREAM_ID_BYTES];
	int rc = eventlog_current_stream(txn, job->batch.host, current);

	if (rc < 0)
		return rc == ERR_MISSING ? 0 : rc;
	if (memcmp(current, job->batch.stream_id, WIRE_STREAM_ID_BYTES) == 0)
		return 0;
	if (job->stored_seq == 0)
		return judge_new_stream(job, txn);
	job->verdict = VERDICT_REPLACED;
	return 0;
}

static int judge(struct batch_job *job, struct kv_txn *txn)
{
	const struct log_batch *batch = &job->batch;
	struct host_record host;
	int rc = hosts_get(txn, batch->host, &host);

	if (rc < 0)
		return rc;
	job->verdict = VERDICT_REVOKED;
	if (host.is_revoked)
		return 0;
	rc = eventlog_last_seq(txn, batch->host, batch->stream_id, &job->stored_seq);
	if (rc < 0)
		return rc;
	job->verdict = judge_sequence(batch, job->stored_seq);
	if (job->verdict != VERDICT_STORED)
		return 0;
	rc = usage_get(txn, batch->host, &job->usage);
	if (rc == 0)
		rc = judge_usage(job, txn);
	return rc == 0 && job->verdict == VERDICT_STORED ? judge_stream(job, txn) : rc;
}

static int touch_host(struct kv_txn *txn, uint32_t id, int64_t now_ns)
{
	struct host_record host;
	int rc = hosts_get(txn, id, &host);

	if (rc < 0)
		return rc;
	host.last_seen_ns = now_ns;
	return hosts_put(txn, &host, NULL);
}

static int compare_before(struct batch_job *job, struct kv_txn *txn, const struct event *event)
{
	const struct fact *before = event->fact_before;
	struct fact held;
	int rc;

	if (job->was_another || event->kind != EVENT_FACT)
		return 0;
	rc = picture_fact(txn, job->batch.host, before ? before : event->fact_after, &held);
	if (rc == 0)
		job->was_another = !before || !fact_equal(before, &held);
	return rc == ERR_MISSING ? 0 : rc;
}

static int write_batch(struct batch_job *job, struct kv_txn *txn)
{
	struct log_batch *batch = &job->batch;
	int rc = eventlog_append(txn, batch);

	for (size_t i = batch->skip; rc == 0 && i < batch->count; i++) {
		const struct event *event = &job->events[BATCHJOB_NOTES_MAX + i];
		rc = compare_before(job, txn, event);
		if (rc == 0)
			rc = picture_apply(txn, batch->host, event);
	}
	job->usage.log_bytes += job->plain_bytes;
	if (rc == 0)
		rc = usage_put(txn, batch->host, &job->usage);
	if (rc == 0 && job->touches_host)
		rc = touch_host(txn, batch->host, batch->received_ns);
	return rc;
}

static int compare_facts(struct batch_job *job, struct kv_txn *txn)
{
	uint8_t root[SECTION_ROOT_BYTES];
	int rc = sections_root(txn, job->batch.host, root);

	job->has_other_facts = rc == 0 && memcmp(root, job->root, SECTION_ROOT_BYTES) != 0;
	return rc;
}

int batchjob_apply(struct store_job *base, struct kv_txn *txn, struct reason *out_why)
{
	struct batch_job *job = (struct batch_job *)base;
	int rc;

	job->is_new_stream = false;
	job->note_count = 0;
	job->has_other_facts = job->was_another = false;
	rc = judge(job, txn);
	if (rc == 0 && job->verdict == VERDICT_STORED)
		rc = write_batch(job, txn);
	if (rc == 0 && job->verdict == VERDICT_STORED && job->has_root)
		rc = compare_facts(job, txn);
	if (rc < 0)
		return fail(out_why, rc, "cannot store a batch: %s", err_text(rc));
	if (job->verdict == VERDICT_STORED)
		job->stored_seq = job->batch.first_seq + job->batch.count - 1;
	return 0;
}
