/*
 * roots - what was watched by an earlier configuration and is not by this one.
 *
 * The journal remembers the roots whose first scan was completed (meta, "baselined PATH"). A walk
 * compares what it enters; what lies below a root that is gone from the configuration, or no longer
 * recursive, it never enters: that is found here.
 *
 * `retire` is called for each path of the baseline that the filter no longer covers, once for a
 * whole tree where nothing in it is watched any more. It must not write.
 *
 * Errors   the store's.
 * Thread   the loop's; reads the baseline below such roots, so only at start.
 */
#ifndef TSUJIBAN_AGENT_FIM_ROOTS_H
#define TSUJIBAN_AGENT_FIM_ROOTS_H

#include "agent/fim/filter.h"
#include "agent/state/state.h"

int roots_each_retired(struct state *state, const struct filter *filter,
        void (*retire)(void *ctx, struct slice path), void *ctx, struct reason *out_why);
/* Below a directory that is itself no longer covered, and leads to one that is. */
int roots_each_retired_below(struct state *state, const struct filter *filter, struct slice dir,
        void (*retire)(void *ctx, struct slice path), void *ctx, struct reason *out_why);

#endif
