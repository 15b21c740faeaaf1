/*
 * hands - who had a hand in what is gathered of one path: the last process that is known, and
 * whether there were others.
 *
 * A touch that names a process outweighs all that name none; of these "the source names none"
 * outweighs "nobody saw it". Two witnesses of one process (before and after it ran another program)
 * are one hand, and the later witness is kept.
 *
 * Life     {0} -> (add | add_before)* -> hands_fini. Copying the struct moves it.
 * Owner    holds a reference to `by`.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_FIM_HANDS_H
#define TSUJIBAN_AGENT_FIM_HANDS_H

#include "agent/touch/witness.h"

struct hands {
	struct witness *by; /* NULL: nobody that is known */
	enum actor_gap gap; /* meant once something was added */
};

/* A later touch. `by` may be NULL; then gap ACTOR_KNOWN stands for ACTOR_UNSEEN. */
void hands_add(struct hands *hands, struct witness *by, enum actor_gap gap);
/* The same of what came before all that is in `hands`; `earlier` stays as it is. */
void hands_add_before(struct hands *hands, const struct hands *earlier);
/* For the next use. */
void hands_fini(struct hands *hands);
/* Why the actor is not, or not fully, known. */
enum actor_gap hands_gap(const struct hands *hands);

#endif
