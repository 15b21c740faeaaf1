/*
 * halves - the half that sends and the feed of the half that reads, in one process and on one loop.
 */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_HALVES_H
#define TSUJIBAN_TESTS_UNIT_AGENT_HALVES_H

#include "tests/unit/agent/fake.h"

#include "agent/sender/feed.h"
#include "agent/ship/ship.h"
#include "common/io/channel.h"

struct halves {
	struct feed *feed;
	struct ship *ship;
};

static inline void halves_over(void *ctx)
{
	(void)ctx;
}

static inline void halves_start(struct halves *halves, struct fake *fake, unsigned window,
        const struct feed_events *events, void *ctx)
{
	struct feed_options options = {.collector = fake->address, .dir = fake->dir};
	int ends[2];
	assert_int_equal(channel_pair(ends), 0);
	halves->feed = feed_new(fake->loop, fake->state, ends[0], &options, events, ctx);
	halves->ship = ship_new(fake->loop, ends[1], window, halves_over, NULL);
}

static inline void halves_stop(struct halves *halves)
{
	ship_free(halves->ship);
	feed_free(halves->feed);
	*halves = (struct halves){0};
}

#endif
