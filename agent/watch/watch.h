/*
 * watch - changes below directories as the kernel tells them.
 *
 * One interface, two sources behind it: fanotify (fanotify.h) where kernel, privileges and file
 * system allow, inotify (inotify.h) for the rest. What they tell means the same: a touch claims
 * nothing, its hints and its witness make events say more.
 *
 * Life     watch_new -> add*, drain by the loop -> watch_free.
 * Errors   watch_add: ERR_LIMIT when max_user_watches is reached (said once through `degraded`),
 *          -ENOENT, -ENOTDIR, -EACCES, ….
 * Thread   the loop's. Callbacks may call watch_add and watch_remove.
 */
#ifndef TSUJIBAN_AGENT_WATCH_WATCH_H
#define TSUJIBAN_AGENT_WATCH_WATCH_H

#include "agent/touch/touch.h"
#include "common/base/err.h"
#include "common/io/loop.h"

struct watch;

enum watch_source {
	WATCH_AUTO,     /* fanotify where it can be had */
	WATCH_INOTIFY,  /* never */
	WATCH_FANOTIFY, /* as AUTO; where it cannot be had somebody should be told */
};

struct watch_events {
	/* Cause is CAUSE_LIVE. Slices are borrowed for the call. A created or moved-in directory
	 * comes with TOUCH_DIRECTORY: whoever handles it has to add a watch and list it. */
	void (*touched)(void *ctx, const struct touch *touch);
	/* The kernel's queue overflowed: anything below any watched directory may have changed
	 * unseen. */
	void (*overflowed)(void *ctx);
	/* A directory that should be watched and cannot be; `why` says it. Called at most once per
	 * directory. */
	void (*degraded)(void *ctx, struct slice dir, const char *why);
	/* Whether of this directory only names matter, not what is written to them: it lies on the
	 * way to what is watched, and other people's work in it is to wake nobody. NULL: never. */
	bool (*wants_names)(void *ctx, struct slice dir);
	/* Whether anything in this directory is watched, or leads to what is: asked by sources that
	 * hear of everything. NULL: always. */
	bool (*wants)(void *ctx, struct slice dir);
	/* Who has this number, for sources whose records name the process; `pidfd` proves that it
	 * still has (-1: none). The witness is borrowed until the next call. NULL: nobody tells. */
	struct witness *(*who)(void *ctx, int pid, int pidfd);
	/* Records follow that the kernel gave out together: they tell of what happened before this
	 * call. NULL: nobody cares. */
	void (*reading)(void *ctx);
};

/* Whether a watch that is made now would have fanotify: what that takes has to be kept then. */
bool watch_would_use_fanotify(enum watch_source source);

int watch_new(struct loop *loop, enum watch_source source, const struct watch_events *events,
        void *ctx, struct watch **out, struct reason *out_why);
void watch_free(struct watch *watch);

/* Begins to watch the entries of one directory (not what lies deeper), not following a link in its
 * last component. 1 when it is watched already under this path. If the same directory was known
 * under another path (it was moved unseen), it takes this path. */
int watch_add(struct watch *watch, struct slice dir);
/* Ends it for the directory and every watched directory below it. */
void watch_remove(struct watch *watch, struct slice dir);
/* A file system was mounted or unmounted at `point`: what was known below it was of another one.
 * Whoever calls it adds the directories again. */
void watch_remounted(struct watch *watch, struct slice point);
/* Every directory that is to be watched has been added again since the last overflow: what was not
 * went away unseen, and its watch is ended. */
void watch_compared(struct watch *watch);
bool watch_has(const struct watch *watch, struct slice dir);
/* Directories with a watch of their own. */
size_t watch_count(const struct watch *watch);
/* "inotify", "fanotify", "fanotify and inotify". */
const char *watch_source_name(const struct watch *watch);
/* Why fanotify is not used though it was wanted; NULL: it is, or was not. */
const char *watch_source_reason(const struct watch *watch);

#endif
