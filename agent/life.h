/*
 * life - whether the run before this one ended in order, and the words for how this one ends.
 *
 * From its first moment a run leaves a mark in the state's meta table, with the boot that it runs
 * in; the mark goes in the transaction that writes `stopped`. Whoever finds one was preceded by a
 * run that somebody killed, that crashed, or that went down with its host.
 *
 * Thread   one; the store's errors are told as they are.
 */
#ifndef TSUJIBAN_AGENT_LIFE_H
#define TSUJIBAN_AGENT_LIFE_H

#include "agent/state/state.h"
#include "common/io/loop.h"

#define LIFE_MARK "running" /* the name in meta */

/* When the store in the state directory was last written, as the file system has it; 0: never. To
 * be asked before it is opened. */
int64_t life_last_written_ns(const char *state_dir);

/* Appends the sentence of `started`, and leaves the mark. `boot_id` identifies this boot of the
 * kernel. */
int life_begin(struct state *state, struct slice boot_id, int64_t last_written_ns,
        struct buf *out_detail, struct reason *out_why);
/* Appends the sentence of `stopped`. */
void life_describe_stop(const struct signal_origin *origin, struct buf *out);
/* Whether the mark is gone. */
bool life_has_ended(struct state *state);
/* Takes the mark away, if it is there still: there was no `stopped`, but an end in order. */
int life_end(struct state *state, struct reason *out_why);

#endif
