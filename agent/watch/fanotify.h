/*
 * fanotify - the source that needs no watch a directory and names the process: fanotify(7) with a
 * mark on each file system, file handles for directories, names for what happens in them.
 *
 * A mark brings all that happens on its file system. A record names the directory by its handle;
 * the directory's path is looked up (fanotify_paths.h), and what happens where nobody watches ends
 * there.
 *
 * Which file systems: those that the kernel takes a mark for (Linux 5.17, or a backport) and whose
 * root is what is mounted; the others are the caller's to watch by other means. CAP_SYS_ADMIN and
 * CAP_DAC_READ_SEARCH are needed.
 *
 * Records of this process itself are passed over: its store may lie on a watched file system.
 *
 * Life     fanotify_new -> add*, drain by the loop -> fanotify_free.
 * Owner    owns the descriptor, one of each mount, and the cache of paths.
 * Errors   fanotify_new: -EPERM, -ENOSYS, -EINVAL with a sentence: not to be had here.
 *          fanotify_add: -EOPNOTSUPP when this file system is not to be had; -ENOENT, -ENOTDIR, ….
 * Thread   the loop's. Callbacks may call fanotify_add.
 */
#ifndef TSUJIBAN_AGENT_WATCH_FANOTIFY_H
#define TSUJIBAN_AGENT_WATCH_FANOTIFY_H

#include "agent/watch/watch.h"

struct fanotify;

/* Whether fanotify_new would succeed now. */
bool fanotify_is_possible(void);
int fanotify_new(struct loop *loop, const struct watch_events *events, void *ctx,
        struct fanotify **out, struct reason *out_why);
void fanotify_free(struct fanotify *fanotify);

/* Makes sure that the directory's file system is marked. 1: it was already. */
int fanotify_add(struct fanotify *fanotify, struct slice dir);
/* Whether the directory's file system is marked; false when it is not there. */
bool fanotify_covers(struct fanotify *fanotify, struct slice dir);
size_t fanotify_count(const struct fanotify *fanotify);
/* Mounts have come or gone: what is known of them is asked anew. */
void fanotify_forget_mounts(struct fanotify *fanotify);

#endif
