/*
 * breath - somebody opened a lock, and may take it next: until that is seen, or has not come,
 * reading holds its breath. No event tells that a lock was taken, so it is looked at again: after
 * 20, 40, 80 and 160 ms. Anybody may open a lock: where nothing came of it, breath is not held
 * again before two seconds are over, and the lock is only looked at.
 *
 * Life     breath_new -> breath_hold* -> breath_free.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_BREATH_H
#define TSUJIBAN_AGENT_PACKAGES_BREATH_H

#include <stdbool.h>

#include "common/io/loop.h"

struct breath;

struct breath_events {
	bool (*is_taken)(void *ctx);
	/* It was found taken; what is held is let go after this. */
	void (*taken)(void *ctx);
	void (*held)(void *ctx, bool is_held);
};

struct breath *breath_new(struct loop *loop, const struct breath_events *events, void *ctx);
void breath_free(struct breath *breath);
void breath_hold(struct breath *breath);
bool breath_is_held(const struct breath *breath);

#endif
