/*
 * sections - the agent's half of state sync: what the facts add up to, and the answers to what the
 * collector wants of them (common/model/section.h has the words).
 *
 * Each answer is of one moment. When the facts change between an offer and what is asked for
 * because of it, what is sent has other digests; the collector then begins again.
 *
 * Thread   the loop's; reads the store in transactions of its own.
 */
#ifndef TSUJIBAN_AGENT_SENDER_SECTIONS_H
#define TSUJIBAN_AGENT_SENDER_SECTIONS_H

#include "agent/state/state.h"

/* The root of the facts that event `seq` leads to, and the number of the last event that came with
 * a change of them. False when that cannot be told: later events have been written since. */
bool sections_root(struct state *state, uint64_t seq, uint8_t out[SECTION_ROOT_BYTES],
        uint64_t *out_changed_seq);

/* Calls `send` with each message that answers; it returns 0 to go on. 0, the first other answer of
 * `send`, or the store's. */
int sections_answer(struct state *state, const struct want *want,
        int (*send)(void *ctx, const struct message *message), void *ctx);

#endif
