/*
 * pipeline - the agent's stages and the arrows between them.
 *
 *   kernel ─► watch ─touch─► settle ─path─► journal (reads) ─event─► spool ─► sender ═► ship
 *      walk ──touch───┘                     inventory ───────event───┘   ▲          │
 *       ▲ overflow, new directory       held while the spool is full ◄───┴── ack ◄──┘
 *
 * ship is a process of its own: this one has no network, that one has no files. sender runs it and
 * feeds it.
 *
 * Life     pipeline_new -> the loop runs -> pipeline_stop -> loop_free -> pipeline_free: a worker
 *          that is still reading when the stages stop has what it needs until it is done.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_PIPELINE_H
#define TSUJIBAN_AGENT_PIPELINE_H

#include "agent/config.h"
#include "agent/state/state.h"
#include "common/io/loop.h"

struct confine_notes;
struct launcher;
struct pipeline;

/* `again` is called when the pipeline is to be ended and a new one made: `is_anew`, because
 * everything has to be reported again in a new stream (state_begin_anew comes in between); or
 * because a configured path leads elsewhere now, and the new one is told so: `is_continued`. */
int pipeline_new(struct loop *loop, struct state *state, const struct agent_config *config,
        struct launcher *launcher, const struct confine_notes *confined, bool is_continued,
        void (*again)(void *ctx, bool is_anew), void *ctx, struct pipeline **out,
        struct reason *out_why);
void pipeline_stop(struct pipeline *pipeline);
void pipeline_free(struct pipeline *pipeline);

#endif
