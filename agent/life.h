/*
 * life - whether the run before this one ended in order, and the words for how this one ends.
 *
 * While a run lasts a mark stands in the state's meta table: the boot that it runs in. It is
 * written with `started`, and goes with `stopped`. Whoever finds one was preceded by a run that
 * somebody killed, that crashed, or that went down with its host.
 *
 * Thread   one.
 */
#ifndef TSUJIBAN_AGENT_LIFE_H
#define TSUJIBAN_AGENT_LIFE_H

#include "agent/state/state.h"
#include "common/io/loop.h"

#define LIFE_MARK "running" /* the name in meta */

/* Appends the sentence of `started`; `boot_id` identifies this boot of the kernel. */
void life_describe_start(struct state *state, struct slice boot_id, struct buf *out);
/* Appends the sentence of `stopped`. */
void life_describe_stop(const struct signal_origin *origin, struct buf *out);
/* Takes the mark away, if it is there still: there was no `stopped`, but an end in order. */
int life_end(struct state *state, struct reason *out_why);

#endif
