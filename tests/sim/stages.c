#include "tests/sim/stages.h"

#include <stdlib.h>

#include "agent/inventory/inventory.h"
#include "agent/packages/packages.h"
#include "agent/report.h"
#include "agent/sender/sender.h"
#include "agent/state/spool.h"
#include "common/base/mem.h"
#include "tests/sim/sim.h"

#define SHIP_BYTES (1u << 20)

struct collector COLLECTOR;

void collector_begin(void)
{
	COLLECTOR = (struct collector){0};
}

static void collector_take(struct slice event)
{
	if (COLLECTOR.count == COLLECTOR.room) {
		struct slice *old = COLLECTOR.event;
		COLLECTOR.room = COLLECTOR.room ? COLLECTOR.room * 2 : 256;
		COLLECTOR.event = sim_alloc(COLLECTOR.room * sizeof *old);
		if (COLLECTOR.count > 0)
			memcpy(COLLECTOR.event, old, COLLECTOR.count * sizeof *old);
	}
	uint8_t *bytes = sim_alloc(event.len + 1);
	memcpy(bytes, event.ptr, event.len);
	COLLECTOR.event[COLLECTOR.count++] = slice_of(bytes, event.len);
}

/* --- sender ----------------------------------------------------------------------------------- */

struct sender {
	struct loop *loop;
	struct state *state;
	struct sender_events events;
	void *ctx;
	struct timer *timer;
};

static void carry(void *ctx)
{
	struct sender *sender = ctx;
	struct batch batch;
	if (SIM.is_dying)
		return;
	if (SIM.is_link_down) {
		timer_start(sender->timer, 500, 0);
		return;
	}
	struct arena *arena = arena_new(SHIP_BYTES);
	int rc = spool_read(sender->state, COLLECTOR.count + 1, 1 + sim_below(&SIM.choices, 50),
	        SHIP_BYTES / 2, arena, &batch);
	if (rc < 0)
		sim_fault(NULL, "the spool lacks event %zu: %s", COLLECTOR.count + 1, err_text(rc));
	for (size_t i = 0; rc == 0 && i < batch.count; i++)
		collector_take(batch.events[i]);
	arena_free(arena);
	/* The acknowledgement may be lost with the link; the next connection begins with it. */
	bool is_lost = sim_chance(&SIM.choices, 20);
	if (is_lost)
		timer_start(sender->timer, 1000, 0);
	else
		sender->events.confirmed(sender->ctx, COLLECTOR.count);
	if (rc == 0 && !is_lost && COLLECTOR.count + 1 < state_position(sender->state).next_seq)
		timer_start(sender->timer, sim_below(&SIM.choices, 30), 0);
}

int sender_new(struct loop *loop, struct state *state, const struct sender_options *options,
        const struct sender_events *events, void *ctx, struct sender **out, struct reason *out_why)
{
	(void)options, (void)out_why;
	struct sender *sender = mem_new(sizeof *sender);
	sender->loop = loop;
	sender->state = state;
	sender->events = *events;
	sender->ctx = ctx;
	sender->timer = timer_new(loop, carry, sender);
	*out = sender;
	return 0;
}

void sender_start(struct sender *sender)
{
	sender_wake(sender);
}

void sender_free(struct sender *sender)
{
	if (!sender)
		return;
	timer_free(sender->timer);
	free(sender);
}

void sender_wake(struct sender *sender)
{
	if (!timer_is_active(sender->timer))
		timer_start(sender->timer, sim_below(&SIM.choices, 100), 0);
}

void sender_status(const struct sender *sender, struct sender_status *out)
{
	(void)sender;
	*out = (struct sender_status){.state = "streaming", .confirmed_seq = COLLECTOR.count};
}

/* --- inventory: has nothing to tell ----------------------------------------------------------- */

int inventory_new(struct loop *loop, struct state *state, const struct inventory_options *options,
        const struct inventory_events *events, void *ctx, struct inventory **out,
        struct reason *out_why)
{
	(void)loop, (void)state, (void)options, (void)events, (void)ctx, (void)out_why;
	*out = NULL;
	return 0;
}

void inventory_start(struct inventory *inventory)
{
	(void)inventory;
}

void inventory_start_apps(struct inventory *inventory)
{
	(void)inventory;
}

void inventory_free(struct inventory *inventory)
{
	(void)inventory;
}

void inventory_hold(struct inventory *inventory, bool hold)
{
	(void)inventory, (void)hold;
}

void inventory_touched(struct inventory *inventory, struct slice path, bool is_directory)
{
	(void)inventory, (void)path, (void)is_directory;
}

/* --- packages: no run is under way ------------------------------------------------------------ */

int packages_new(struct loop *loop, struct state *state, const struct manager *manager,
        const char *root, const struct packages_limits *limits,
        const struct packages_events *events, void *ctx, struct packages **out,
        struct reason *out_why)
{
	(void)loop, (void)state, (void)manager, (void)root, (void)limits, (void)events, (void)ctx,
	        (void)out_why;
	*out = NULL;
	return 0;
}

void packages_free(struct packages *packages)
{
	(void)packages;
}

void packages_start(struct packages *packages)
{
	(void)packages;
}

void packages_glance(struct packages *packages)
{
	(void)packages;
}

void packages_step(struct packages *packages)
{
	(void)packages;
}

/* --- report: nobody reads it ------------------------------------------------------------------ */

int report_new(struct loop *loop, const struct report_stages *stages, struct report **out,
        struct reason *out_why)
{
	(void)loop, (void)stages, (void)out_why;
	*out = NULL;
	return 0;
}

void report_free(struct report *report)
{
	(void)report;
}

void report_changed(struct report *report)
{
	(void)report;
}

void report_scan(struct report *report, bool is_first)
{
	(void)report;
	sim_trace("agent: %s begins", is_first ? "first scan" : "comparison");
}

void report_scan_over(struct report *report)
{
	(void)report;
	sim_trace("agent: scan over");
}

void report_degraded(struct report *report, struct slice path, const char *why)
{
	(void)report;
	sim_trace("agent: degraded %.*s: %s", SLICE_ARG(path), why);
}

void report_held(struct report *report, const char *why)
{
	(void)report;
	sim_trace("agent: held: %s", why ? why : "no more");
}
