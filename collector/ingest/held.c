#include "collector/ingest/held.h"

#include <stdlib.h>

#include "collector/ingest/guest.h"
#include "collector/store/usage.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

struct held_job {
	struct store_job job;
	struct peer *peer;
	uint32_t host;
	int64_t now_ns;

	/* from apply */
	bool is_new;
	struct event event;
};

static int apply_held(struct store_job *base, struct kv_txn *txn, struct reason *out_why)
{
	struct held_job *job = (struct held_job *)base;
	struct usage usage;
	int rc = usage_get(txn, job->host, &usage);

	if (rc == 0)
		rc = usage_hold(txn, job->host, &usage, HOLD_PACE, job->now_ns,
		        slice_text(
		                USAGE_HELD_BACK "it sends faster than "
		                                "limits.host_events_per_s allows; nothing is lost"),
		        &job->event, &job->is_new);
	return rc < 0 ? fail(out_why, rc, "cannot note that a host is held back: %s", err_text(rc))
	              : 0;
}

static void held_done(struct store_job *base, int code, const struct reason *why)
{
	struct held_job *job = (struct held_job *)base;
	struct ingest *ingest = job->peer->ingest;

	if (code < 0)
		log_warn("%s host=%s", why->text, job->peer->cert.name);
	else if (job->is_new && !ingest->is_closed)
		ingest->events->stored(ingest->ctx, job->host, &job->event, 1, false);
	peer_job_ends(job->peer, 0);
	free(job);
}

void held_tell(struct peer *peer)
{
	int64_t now_ns = clock_wall_ns();
	uint32_t today = usage_day(now_ns);
	struct held_job *job;

	if (peer->guest->held_day == today)
		return;
	peer->guest->held_day = today;
	log_warn("host is held back, it sends faster than limits.host_events_per_s host=%s",
	        peer->cert.name);
	job = mem_new(sizeof(*job));
	job->job = (struct store_job){.apply = apply_held, .done = held_done};
	job->peer = peer;
	job->host = peer->host;
	job->now_ns = now_ns;
	peer_job_begins(peer, 0);
	store_submit(peer->ingest->store, &job->job);
}
