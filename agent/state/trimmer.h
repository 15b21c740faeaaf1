/*
 * trimmer - drops confirmed events from the spool, on a worker, about once a second while
 * confirmations come.
 *
 * What is confirmed need not be forgotten at once, and not durably: after a crash the collector
 * says again how far it is.
 *
 * Life     trimmer_new -> confirm* -> trimmer_free.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_STATE_TRIMMER_H
#define TSUJIBAN_AGENT_STATE_TRIMMER_H

#include "agent/state/state.h"
#include "common/io/loop.h"

struct trimmer;

/* `trimmed` is called after each trim. */
struct trimmer *trimmer_new(
        struct loop *loop, struct state *state, void (*trimmed)(void *ctx), void *ctx);
/* A trim under way ends by itself, without a call of `trimmed`. */
void trimmer_free(struct trimmer *trimmer);
void trimmer_confirm(struct trimmer *trimmer, uint64_t seq);

#endif
