/*
 * mounts - file systems that come and go below what is watched: /proc/self/mountinfo, which the
 * kernel says has changed (proc(5)).
 *
 * What a mount hides is not deleted, and what an unmount brings back is not new: neither source of
 * file events can tell that, so it is told here.
 *
 * Life     mounts_new -> told by the loop -> mounts_free.
 * Owner    owns the descriptor and a list of the mounts that matter.
 * Errors   mounts_new: -ENOENT, … without /proc.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_WATCH_MOUNTS_H
#define TSUJIBAN_AGENT_WATCH_MOUNTS_H

#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/io/loop.h"

struct mounts;

struct mounts_events {
	/* Whether a mount at this path would hide, or show, anything that is watched. */
	bool (*matters)(void *ctx, struct slice point);
	/* Once for each mount that came or went. */
	void (*changed)(void *ctx, struct slice point, bool is_mounted);
};

int mounts_new(struct loop *loop, const struct mounts_events *events, void *ctx,
        struct mounts **out, struct reason *out_why);
void mounts_free(struct mounts *mounts);

#endif
