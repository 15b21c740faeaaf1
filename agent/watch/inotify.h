/*
 * inotify - the source that works everywhere: inotify(7), a watch for each directory.
 *
 * The drain only turns kernel records into touches: it opens, stats and hashes nothing. Renames
 * are paired by cookie here: a move from here to nowhere becomes a touch with TOUCH_GONE, a move
 * from nowhere becomes TOUCH_CREATED, a pair one touch with old_path. After a paired move of a
 * directory its watches know their new paths. Touches have no witness: inotify names no process.
 *
 * Life     inotify_new -> add*, drain by the loop -> inotify_free.
 * Owner    owns the inotify descriptor and a tree of nodes (name, parent, descriptor), about 100
 *          bytes a directory.
 * Errors   inotify_add: ERR_LIMIT when max_user_watches is reached (said once through `degraded`),
 *          -ENOENT, -ENOTDIR, -EACCES, ….
 * Thread   the loop's. Callbacks may call inotify_add and inotify_remove.
 */
#ifndef TSUJIBAN_AGENT_WATCH_INOTIFY_H
#define TSUJIBAN_AGENT_WATCH_INOTIFY_H

#include "agent/watch/watch.h"

struct inotify;

int inotify_new(struct loop *loop, const struct watch_events *events, void *ctx,
        struct inotify **out, struct reason *out_why);
void inotify_free(struct inotify *inotify);

/* As watch_add and the others, which see. */
int inotify_add(struct inotify *inotify, struct slice dir);
void inotify_remove(struct inotify *inotify, struct slice dir);
bool inotify_has(const struct inotify *inotify, struct slice dir);
void inotify_compared(struct inotify *inotify);
size_t inotify_count(const struct inotify *inotify);

#endif
