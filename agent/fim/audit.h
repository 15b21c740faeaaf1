/*
 * audit - reads everything that is known again, slowly: what no event told of (writes through a
 * memory map, a disk that was edited elsewhere, times that were set back) is found within a round.
 *
 * A round is cut into portions of equal length; which portion a path belongs to follows from a hash
 * of it, so that nothing has to be remembered but the number of the portion. A portion that is due
 * waits until nothing else is going on, is touched with CAUSE_AUDIT and TOUCH_REREAD, and counts as
 * done when the next one begins. After a time in which the agent did not run it goes on where it
 * was, without hurry: the round ends later.
 *
 * Life     audit_new -> the loop runs -> audit_free.
 * Units    ms; a round of 0: no audit.
 * Wakes    once a portion: of a week every ten minutes.
 * Thread   the loop's; a portion is looked up on a worker.
 */
#ifndef TSUJIBAN_AGENT_FIM_AUDIT_H
#define TSUJIBAN_AGENT_FIM_AUDIT_H

#include "agent/state/state.h"
#include "agent/touch/touch.h"
#include "common/io/loop.h"

#define AUDIT_PORTIONS_MAX   1000
#define AUDIT_PORTION_MS_MIN 1000

struct audit;

struct audit_events {
	void (*touched)(void *ctx, const struct touch *touch);
	/* Other work goes first. */
	bool (*is_busy)(void *ctx);
	/* A portion was begun. NULL: nobody cares. */
	void (*changed)(void *ctx);
};

struct audit *audit_new(struct loop *loop, struct state *state, uint64_t round_ms,
        const struct audit_events *events, void *ctx);
void audit_free(struct audit *audit);

struct audit_status {
	uint32_t portion;  /* the one to come, from 0 */
	uint32_t portions; /* 0: there is no audit */
	uint64_t rounds;   /* complete since the state was made */
};
struct audit_status audit_status(const struct audit *audit);

/* Which portion the path belongs to. */
uint32_t audit_portion_of(struct slice path, uint32_t portions);

#endif
