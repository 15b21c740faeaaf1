#include "agent/packages/breath.h"

#include <stdlib.h>

#include "common/base/mem.h"

#define FIRST_MS 20
#define LAST_MS  160
#define APART_MS 2000

struct breath {
	struct loop *loop;
	struct breath_events events;
	void *ctx;
	struct timer *timer;
	uint64_t step_ms;
	uint64_t not_before_ms; /* it is held again */
	bool is_held;
};

static void let_go(struct breath *breath)
{
	if (!breath->is_held)
		return;
	breath->is_held = false;
	breath->events.held(breath->ctx, false);
}

static void on_timer(void *ctx)
{
	struct breath *breath = ctx;
	if (breath->events.is_taken(breath->ctx)) {
		breath->not_before_ms = 0;
		breath->events.taken(breath->ctx);
	} else if (breath->step_ms < LAST_MS) {
		breath->step_ms *= 2;
		timer_start(breath->timer, breath->step_ms, 0);
		return;
	}
	let_go(breath);
}

struct breath *breath_new(struct loop *loop, const struct breath_events *events, void *ctx)
{
	struct breath *breath = mem_new(sizeof(*breath));
	breath->loop = loop;
	breath->events = *events;
	breath->ctx = ctx;
	breath->timer = timer_new(loop, on_timer, breath);
	return breath;
}

void breath_free(struct breath *breath)
{
	if (!breath)
		return;
	timer_free(breath->timer);
	free(breath);
}

void breath_hold(struct breath *breath)
{
	uint64_t now_ms = loop_now_ms(breath->loop);
	if (timer_is_active(breath->timer))
		return;
	breath->step_ms = FIRST_MS;
	timer_start(breath->timer, FIRST_MS, 0);
	if (now_ms < breath->not_before_ms)
		return;
	breath->not_before_ms = now_ms + APART_MS;
	breath->is_held = true;
	breath->events.held(breath->ctx, true);
}

bool breath_is_held(const struct breath *breath)
{
	return breath->is_held;
}
