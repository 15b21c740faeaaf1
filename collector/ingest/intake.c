#include "collector/ingest/intake.h"

#include <stdlib.h>
#include <utlist.h>

#include "collector/ingest/batchjob.h"
#include "collector/ingest/restate.h"
#include "collector/store/picture.h"
#include "common/base/clock.h"
#include "common/base/mem.h"

#define BATCH_ARENA_BYTES (32u << 20)
#define IDLE_JOBS_MAX     64
#define IDLE_KEEP_BYTES   (64u << 10) /* of the buffer of an idle job */
#define TOUCH_NS          (10 * NS_PER_S)

/* --- jobs ------------------------------------------------------------------------------------- */

static struct batch_job *take_job(struct ingest *ingest)
{
	struct batch_job *job = ingest->idle_jobs;

	if (job) {
		LL_DELETE(ingest->idle_jobs, job);
		ingest->idle_count--;
		return job;
	}
	job = mem_new(sizeof(*job));
	job->arena = arena_new(BATCH_ARENA_BYTES);
	return job;
}

static void free_job(struct batch_job *job)
{
	arena_free(job->arena);
	buf_fini(&job->raw);
	free(job);
}

static void give_job_back(struct ingest *ingest, struct batch_job *job)
{
	if (ingest->idle_count == IDLE_JOBS_MAX) {
		free_job(job);
		return;
	}
	arena_reset(job->arena);
	buf_reset(&job->raw);
	buf_shrink(&job->raw, IDLE_KEEP_BYTES);
	LL_PREPEND(ingest->idle_jobs, job);
	ingest->idle_count++;
}

void intake_fini(struct ingest *ingest)
{
	struct batch_job *job, *next;

	LL_FOREACH_SAFE(ingest->idle_jobs, job, next)
	{
		free_job(job);
	}
	ingest->idle_jobs = NULL;
	ingest->idle_count = 0;
}

/* --- stored ----------------------------------------------------------------------------------- */

/* Notes are told before the events; with notes nothing is skipped, since the stream is new. */
static void tell_stored(struct ingest *ingest, struct batch_job *job)
{
	size_t first = BATCHJOB_NOTES_MAX + job->batch.skip - job->note_count;
	size_t count = job->note_count + job->batch.count - job->batch.skip;

	if (job->note_count > 0)
		memmove(&job->events[first], job->events, job->note_count * sizeof(*job->events));
	ingest->status.batches++;
	ingest->status.events += job->batch.count - job->batch.skip;
	if (!ingest->is_closed)
		ingest->events->stored(ingest->ctx, job->batch.host, &job->events[first], count,
		        job->is_new_stream);
	/* Who follows the events alone still holds what was there before them. */
	if (job->was_another && !ingest->is_closed)
		ingest->events->restated(ingest->ctx, job->batch.host);
}

/* Nothing of the batch is stored; that it was not may be. */
static void tell_note(struct ingest *ingest, const struct batch_job *job)
{
	if (job->note_count > 0 && !ingest->is_closed)
		ingest->events->stored(
		        ingest->ctx, job->batch.host, job->events, job->note_count, false);
}

static void acknowledge(struct batch_job *job)
{
	struct message message = {.kind = FRAME_ACK};

	message.ack.stored_seq = job->stored_seq;
	peer_send(job->peer, &message);
}

static void act_on_verdict(struct batch_job *job)
{
	struct peer *peer = job->peer;

	switch (job->verdict) {
	case VERDICT_STORED:
		tell_stored(peer->ingest, job);
		acknowledge(job);
		if (job->has_root)
			restate_facts_came(peer);
		if (job->has_other_facts)
			restate_begin(peer);
		break;
	case VERDICT_DUPLICATE:
		peer->ingest->status.duplicates++;
		acknowledge(job);
		break;
	case VERDICT_HOLE:
		peer_refuse(peer, REFUSED_SEQUENCE,
		        "a batch from event %llu does not follow event %llu, the last stored",
		        (unsigned long long)job->batch.first_seq,
		        (unsigned long long)job->stored_seq);
		break;
	case VERDICT_REPLACED:
		peer_refuse(peer, REFUSED_SEQUENCE, "the host has begun another stream since");
		break;
	case VERDICT_HELD:
		tell_note(peer->ingest, job);
		peer_refuse(peer, REFUSED_OVERLOADED, "host '%s' is held back: %s", peer->cert.name,
		        job->why_held);
		break;
	case VERDICT_REVOKED:
		peer_refuse(peer, REFUSED_REVOKED, "host '%s' is revoked", peer->cert.name);
		break;
	}
}

static void batch_done(struct store_job *base, int code, const struct reason *why)
{
	struct batch_job *job = (struct batch_job *)base;
	struct peer *peer = job->peer;
	struct ingest *ingest = peer->ingest;
	size_t bytes = job->bytes;

	if (code < 0)
		peer_refuse(peer, REFUSED_STORE, "collector cannot store now: %s", why->text);
	else
		act_on_verdict(job);
	give_job_back(ingest, job);
	peer_job_ends(peer, bytes);
}

/* --- from the peer ---------------------------------------------------------------------------- */

static int decode_event(
        struct batch_job *job, struct slice bytes, struct event *out, struct reason *out_why)
{
	struct log_batch *batch = &job->batch;
	int rc = wire_event_decode(bytes, job->arena, out, out_why);

	if (rc == 0)
		rc = picture_check(out, out_why);
	if (rc < 0)
		return rc;
	if (out->time_ns < batch->min_time_ns)
		batch->min_time_ns = out->time_ns;
	if (out->time_ns > batch->max_time_ns)
		batch->max_time_ns = out->time_ns;
	return 0;
}

static int decode_events(struct batch_job *job, const struct batch *batch, struct reason *out_why)
{
	struct reason why;
	int rc;

	job->batch.min_time_ns = INT64_MAX;
	job->batch.max_time_ns = INT64_MIN;
	job->events = arena_alloc(
	        job->arena, (BATCHJOB_NOTES_MAX + batch->count) * sizeof(*job->events));
	if (!job->events)
		return fail(out_why, ERR_LIMIT, "a batch is too large");
	for (size_t i = 0; i < batch->count; i++) {
		struct event *event = &job->events[BATCHJOB_NOTES_MAX + i];
		rc = decode_event(job, batch->events[i], event, &why);
		event->seq = batch->first_seq + i;
		if (rc < 0)
			return fail(out_why, rc, "event %llu: %s", (unsigned long long)event->seq,
			        why.text);
	}
	return 0;
}

static int open_batch(struct ingest *ingest, struct batch_job *job, const struct frame *frame,
        struct reason *out_why)
{
	struct message message;
	struct frame copy = *frame;
	struct slice plain;
	int rc;

	buf_append_slice(&job->raw, frame->payload);
	copy.payload = buf_slice(&job->raw);
	rc = frame_open(&copy, &ingest->plain, &plain, out_why);
	job->plain_bytes = rc == 0 ? plain.len : 0;
	if (rc == 0)
		rc = wire_decode(FRAME_BATCH, plain, job->arena, &message, out_why);
	if (rc != 0)
		return rc;
	job->batch = (struct log_batch){
	        .first_seq = message.batch.first_seq,
	        .count = (uint32_t)message.batch.count,
	        .payload = copy.payload,
	        .flags = frame->flags,
	};
	job->has_root = message.batch.facts_root.len == SECTION_ROOT_BYTES;
	if (job->has_root)
		memcpy(job->root, message.batch.facts_root.ptr, SECTION_ROOT_BYTES);
	return decode_events(job, &message.batch, out_why);
}

static void submit(struct peer *peer, struct batch_job *job)
{
	int64_t now_ns = clock_wall_ns();

	job->peer = peer;
	job->job = (struct store_job){.apply = batchjob_apply, .done = batch_done};
	job->limits = &peer->ingest->limits;
	job->batch.host = peer->host;
	job->batch.received_ns = now_ns;
	memcpy(job->batch.stream_id, peer->stream_id, WIRE_STREAM_ID_BYTES);
	job->bytes = job->raw.len + arena_used(job->arena);
	job->job.bytes = job->bytes;
	/* A clock that was put back is no reason to write the record with each batch. */
	job->touches_host = now_ns - peer->last_seen_ns > TOUCH_NS || now_ns < peer->last_seen_ns;
	if (job->touches_host)
		peer->last_seen_ns = now_ns;
	peer_job_begins(peer, job->bytes);
	store_submit(peer->ingest->store, &job->job);
}

void intake_batch(struct peer *peer, const struct frame *frame)
{
	struct batch_job *job;
	struct reason why;

	if (peer->is_stream_over) {
		peer_refuse(peer, REFUSED_SEQUENCE,
		        "nothing can follow in this stream: the agent has to begin a new one");
		return;
	}
	job = take_job(peer->ingest);
	if (open_batch(peer->ingest, job, frame, &why) < 0) {
		peer_refuse(peer, REFUSED_PROTOCOL, "a batch is refused: %s", why.text);
		give_job_back(peer->ingest, job);
		return;
	}
	peer_charge(peer, job->batch.count);
	submit(peer, job);
}
