#include "agent/watch/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/watch/fanotify.h"
#include "agent/watch/inotify.h"
#include "common/base/log.h"
#include "common/base/mem.h"

struct watch {
	struct watch_events events;
	void *ctx;
	struct inotify *inotify;
	struct fanotify *fanotify; /* NULL: not wanted, or not to be had */
	bool has_fallen_back;      /* of some file system inotify tells */
	struct reason why;         /* fanotify is not to be had */
};

bool watch_would_use_fanotify(enum watch_source source)
{
	return source != WATCH_INOTIFY && fanotify_is_possible();
}

int watch_new(struct loop *loop, enum watch_source source, const struct watch_events *events,
        void *ctx, struct watch **out, struct reason *out_why)
{
	struct watch *watch = mem_new(sizeof *watch);
	watch->events = *events;
	watch->ctx = ctx;
	int rc = inotify_new(loop, events, ctx, &watch->inotify, out_why);
	if (rc < 0) {
		free(watch);
		return rc;
	}
	if (source != WATCH_INOTIFY &&
	        fanotify_new(loop, events, ctx, &watch->fanotify, &watch->why) < 0)
		log_info("%s: watching with inotify", watch->why.text);
	*out = watch;
	return 0;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	fanotify_free(watch->fanotify);
	inotify_free(watch->inotify);
	free(watch);
}

/* Of a directory that only leads to what is watched names are all that matters: a mark would bring
 * everything that happens on its file system. */
static bool is_for_fanotify(const struct watch *watch, struct slice dir)
{
	if (!watch->fanotify)
		return false;
	bool names = watch->events.wants_names && watch->events.wants_names(watch->ctx, dir);
	return !names || fanotify_covers(watch->fanotify, dir);
}

int watch_add(struct watch *watch, struct slice dir)
{
	if (!is_for_fanotify(watch, dir))
		return inotify_add(watch->inotify, dir);
	int rc = fanotify_add(watch->fanotify, dir);
	if (rc >= 0 || rc == -ENOENT || rc == -ENOTDIR || rc == -EACCES)
		return rc;
	watch->has_fallen_back = true;
	return inotify_add(watch->inotify, dir);
}

void watch_remove(struct watch *watch, struct slice dir)
{
	inotify_remove(watch->inotify, dir);
}

void watch_compared(struct watch *watch)
{
	inotify_compared(watch->inotify);
}

void watch_remounted(struct watch *watch, struct slice point)
{
	inotify_remove(watch->inotify, point);
	if (watch->fanotify)
		fanotify_forget_mounts(watch->fanotify);
}

bool watch_has(const struct watch *watch, struct slice dir)
{
	return inotify_has(watch->inotify, dir) ||
	       (watch->fanotify && fanotify_covers(watch->fanotify, dir));
}

size_t watch_count(const struct watch *watch)
{
	return inotify_count(watch->inotify);
}

const char *watch_source_name(const struct watch *watch)
{
	if (!watch->fanotify)
		return "inotify";
	return watch->has_fallen_back ? "fanotify and inotify" : "fanotify";
}

const char *watch_source_reason(const struct watch *watch)
{
	return watch->why.text[0] ? watch->why.text : NULL;
}
