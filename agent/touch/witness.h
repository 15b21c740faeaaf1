/*
 * witness - who acted, as it travels with a touch from the kernel's queue to the event.
 *
 * One is made for a process when it is first asked about and is shared by all touches that it
 * brought about; whoever keeps one beyond a call holds a reference.
 *
 * Owner    counted references; the last witness_drop frees it.
 * Thread   keep and drop: the loop's. The actor is read-only and may be read from a worker while a
 *          reference is held.
 */
#ifndef TSUJIBAN_AGENT_TOUCH_WITNESS_H
#define TSUJIBAN_AGENT_TOUCH_WITNESS_H

#include "common/model/actor.h"

struct witness {
	struct actor actor; /* texts lie behind the struct */
	enum actor_gap gap; /* ACTOR_KNOWN, or ACTOR_ENDED when there is a pid alone */
	unsigned references;
	size_t bytes; /* with its texts */
};

/* A copy with one reference, its texts cut at the limits of actor.h. */
struct witness *witness_new(const struct actor *actor, enum actor_gap gap);
/* Both accept NULL. */
struct witness *witness_keep(struct witness *witness);
void witness_drop(struct witness *witness);

#endif
