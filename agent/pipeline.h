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

/* Why a pipeline is to be ended. */
enum pipeline_end {
	PIPELINE_MOVED, /* a configured path leads elsewhere: a new one is made, `is_continued` */
	PIPELINE_ANEW, /* everything has to be reported again, in a new stream (state_begin_anew) */
	PIPELINE_LEFT, /* what pipeline_leave has told is written */
	PIPELINE_ALONE, /* the half that sends cannot be started any more: the process ends */
};

struct pipeline_options {
	const struct agent_config *config;
	struct launcher *launcher;            /* of the half that sends */
	const struct confine_notes *confined; /* for status */
	bool is_continued;                    /* after PIPELINE_MOVED: the start is no news */
};

/* What the options point at lives longer. `end` is called when the pipeline is to be ended. */
int pipeline_new(struct loop *loop, struct state *state, const struct pipeline_options *options,
        void (*end)(void *ctx, enum pipeline_end why), void *ctx, struct pipeline **out,
        struct reason *out_why);
/* Tells that a signal ends the agent and who sent it; `end` follows (PIPELINE_LEFT) as soon as
 * that is written and, while there is a connection, confirmed: within two seconds. Once. */
void pipeline_leave(struct pipeline *pipeline, const struct signal_origin *origin);
void pipeline_stop(struct pipeline *pipeline);
void pipeline_free(struct pipeline *pipeline);

#endif
