/*
 * overlap - the paths of one batch by directory, to find those that were read while their directory
 * was compared (walk).
 *
 * A comparison that finds an entry as the baseline has it says nothing. If that entry is being read
 * at the time, the reading may be older than what was compared, and once it is committed the
 * baseline is another: neither has seen what the other found. So such a path is read once more.
 *
 * Life     {0} -> (overlap_reset, overlap_add*, questions)* -> overlap_fini.
 * Owner    paths are borrowed until the next reset.
 * Thread   one.
 */
#ifndef TSUJIBAN_AGENT_FIM_OVERLAP_H
#define TSUJIBAN_AGENT_FIM_OVERLAP_H

#include <stdbool.h>

#include "common/base/slice.h"

/* Neighbours in one directory, as a scan brings them. */
struct overlap_run {
	struct slice dir;
	size_t first, count;
};

struct overlap {
	struct slice *path;
	struct overlap_run *run;
	size_t count, room;
	size_t run_count, run_room;
};

void overlap_reset(struct overlap *overlap);
void overlap_fini(struct overlap *overlap);
void overlap_add(struct overlap *overlap, struct slice path);

/* Every path that is `dir` itself or an entry of it with a name behind `after` (absent: any). */
void overlap_each(const struct overlap *overlap, struct slice dir, struct slice after,
        void (*each)(void *ctx, struct slice path), void *ctx);

/* What stands before the last slash; "/" of an entry of the root, and of the root itself. */
struct slice overlap_dir(struct slice path);

#endif
