/*
 * trigger - tells when a source's files have changed: by name, in a directory that is watched with
 * inotify(7).
 *
 * By name because such files are replaced by rename, which ends a watch on the file itself.
 *
 * A burst of changes (a package manager at work) is told once: TRIGGER_QUIET_MS after the last of
 * it, at most TRIGGER_MOST_MS after the first.
 *
 * Life     trigger_new -> add* -> trigger_free.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_INVENTORY_TRIGGER_H
#define TSUJIBAN_AGENT_INVENTORY_TRIGGER_H

#include "common/base/err.h"
#include "common/io/loop.h"

#define TRIGGER_QUIET_MS 300
#define TRIGGER_MOST_MS  2000
#define TRIGGER_MAX      64

struct trigger;

int trigger_new(struct loop *loop, void (*fired)(void *ctx), void *ctx, struct trigger **out,
        struct reason *out_why);
void trigger_free(struct trigger *trigger);
/* Watches for `name` in `dir`, NULL: for any. Fine when the directory is not there (yet): ask again
 * later, the same pair is watched once. `name` is borrowed for good. */
void trigger_add(struct trigger *trigger, const char *dir, const char *name);

#endif
