#include "agent/state/trimmer.h"

#include <stdlib.h>

#include "agent/state/spool.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define REST_MS     1000 /* gathers confirmations: a trim costs one commit */
#define TRIM_EVENTS 2048 /* in one transaction, which touches every page that they stand on */

struct trimmer {
	struct loop *loop;
	struct state *state;
	void (*trimmed)(void *ctx);
	void *ctx;
	struct timer *timer;
	uint64_t confirmed_seq; /* as far as was asked for */
	uint64_t trimmed_seq;   /* as far as it has come */
	uint64_t asked_seq;     /* when the worker began */
	uint64_t working_seq;   /* the worker's target: that, or a portion of the way */
	int code;
	struct reason why;
	bool is_working;
	bool is_orphan; /* freed while working: the end frees it */
};

static void work(void *ctx)
{
	struct trimmer *trimmer = ctx;
	struct state_txn *txn;
	int rc = state_begin(trimmer->state, &txn, &trimmer->why);
	if (rc == 0) {
		rc = spool_trim(txn, trimmer->working_seq);
		if (rc == 0) {
			rc = state_commit(txn, &trimmer->why);
		} else {
			fail(&trimmer->why, rc, "cannot trim the spool: %s", err_text(rc));
			state_abort(txn);
		}
	}
	trimmer->code = rc;
}

static void done(void *ctx)
{
	struct trimmer *trimmer = ctx;
	trimmer->is_working = false;
	if (trimmer->is_orphan) {
		free(trimmer);
		return;
	}
	if (trimmer->code == 0)
		trimmer->trimmed_seq = trimmer->working_seq;
	else
		log_warn("%s", trimmer->why.text);
	bool was_portion = trimmer->code == 0 && trimmer->working_seq < trimmer->asked_seq;
	if (trimmer->trimmed_seq < trimmer->confirmed_seq)
		timer_start(trimmer->timer, was_portion ? 0 : REST_MS, 0);
	trimmer->trimmed(trimmer->ctx);
}

static void begin(void *ctx)
{
	struct trimmer *trimmer = ctx;
	uint64_t portion_seq = state_position(trimmer->state).first_seq + TRIM_EVENTS - 1;
	trimmer->is_working = true;
	trimmer->asked_seq = trimmer->confirmed_seq;
	trimmer->working_seq = trimmer->asked_seq < portion_seq ? trimmer->asked_seq : portion_seq;
	loop_work(trimmer->loop, work, done, trimmer);
}

struct trimmer *trimmer_new(
        struct loop *loop, struct state *state, void (*trimmed)(void *ctx), void *ctx)
{
	struct trimmer *trimmer = mem_new(sizeof *trimmer);
	trimmer->loop = loop;
	trimmer->state = state;
	trimmer->trimmed = trimmed;
	trimmer->ctx = ctx;
	trimmer->timer = timer_new(loop, begin, trimmer);
	return trimmer;
}

void trimmer_free(struct trimmer *trimmer)
{
	if (!trimmer)
		return;
	timer_free(trimmer->timer);
	trimmer->timer = NULL;
	trimmer->is_orphan = true;
	if (!trimmer->is_working)
		free(trimmer);
}

void trimmer_confirm(struct trimmer *trimmer, uint64_t seq)
{
	if (seq <= trimmer->confirmed_seq)
		return;
	trimmer->confirmed_seq = seq;
	if (!trimmer->is_working && !timer_is_active(trimmer->timer))
		timer_start(trimmer->timer, REST_MS, 0);
}
