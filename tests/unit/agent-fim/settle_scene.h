/*
 * settle_scene - a settle with a clock of its own, and what it gives: for the tests of settle.
 */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_FIM_SETTLE_SCENE_H
#define TSUJIBAN_TESTS_UNIT_AGENT_FIM_SETTLE_SCENE_H

#include "agent/fim/settle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/touch/witness.h"

static struct settle *settle;
static uint64_t now = 1000;
static char overflowed[256];
static unsigned overflow_count;

static inline void on_overflowed(void *ctx, struct slice dir, enum event_cause cause)
{
	(void)ctx;
	(void)cause;
	overflow_count++;
	snprintf(overflowed, sizeof(overflowed), "%.*s", SLICE_ARG(dir));
}

static inline int begin_with(size_t paths)
{
	struct settle_limits limits = {.quiet_ms = 500, .most_ms = 3000, .paths = paths};
	now = 1000;
	overflow_count = 0;
	settle = settle_new(&limits, on_overflowed, NULL);
	return 0;
}

static inline int begin(void **state)
{
	(void)state;
	return begin_with(0);
}

static inline int end(void **state)
{
	(void)state;
	settle_free(settle);
	return 0;
}

static inline void touch_as(const char *path, unsigned hints, enum event_cause cause)
{
	struct touch touch = {.path = slice_text(path), .hints = hints, .cause = cause};
	settle_touch(settle, &touch, now);
}

static inline void touch(const char *path, unsigned hints)
{
	touch_as(path, hints, CAUSE_LIVE);
}

static const struct settled *take_any(void)
{
	const struct settled *settled = NULL;
	return settle_take(settle, now, &settled, 1) == 1 ? settled : NULL;
}

static const struct settled *take(const char *path)
{
	const struct settled *settled = take_any();
	if (!settled)
		fail_msg("nothing is ready, not '%s'", path);
	if (!slice_is(settled->path, path))
		fail_msg("'%.*s' is ready, not '%s'", SLICE_ARG(settled->path), path);
	return settled;
}

static inline void assert_nothing(void)
{
	const struct settled *settled = take_any();
	if (settled)
		fail_msg("'%.*s' is ready", SLICE_ARG(settled->path));
}

static inline void finish(const struct settled *settled)
{
	settle_finish(settle, settled, 0, now);
}

/* --- limit ----------------------------------------------------------------------------------- */

static inline int begin_small(void **state)
{
	(void)state;
	return begin_with(2);
}

#endif
