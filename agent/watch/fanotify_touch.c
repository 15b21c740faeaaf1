/*
 * From records to touches. The kernel merges what one process did to one name into one record, so
 * a record may tell of a whole life; what its order was the reading finds out.
 */
#include <errno.h>
#include <limits.h>

#include "agent/touch/touch.h"
#include "agent/touch/witness.h"
#include "agent/watch/fanotify_private.h"
#include "common/base/log.h"

/* --- paths ------------------------------------------------------------------------------------ */

static bool is_wanted(struct fanotify *fanotify, struct slice dir)
{
	return !fanotify->events.wants || fanotify->events.wants(fanotify->ctx, dir);
}

static struct dir_path *path_of(
        struct fanotify *fanotify, struct marked *marked, const struct dir_handle *handle)
{
	char path[PATH_MAX];
	struct dir_path *known = paths_find(&fanotify->paths, handle);
	if (known)
		return known;
	int mount_fd = fanotify_open_mount(marked);
	if (mount_fd < 0)
		return NULL;
	int len = paths_look_up(mount_fd, handle->bytes, path, sizeof path);
	if (len < 0)
		return NULL; /* it is gone; the directory that it stood in tells */
	struct slice dir = slice_of(path, (size_t)len);
	return paths_put(&fanotify->paths, handle, dir, is_wanted(fanotify, dir));
}

static void join(struct buf *out, struct slice dir, struct slice name)
{
	buf_reset(out);
	buf_append_slice(out, dir);
	if (dir.len > 1)
		buf_append_byte(out, '/');
	buf_append_slice(out, name);
}

static struct slice parent_of(struct slice path)
{
	const uint8_t *slash = memrchr(path.ptr, '/', path.len);
	return slice_of(path.ptr, slash > path.ptr ? (size_t)(slash - path.ptr) : 1);
}

/* A directory tells of itself under the name ".". */
static bool is_self(struct slice name)
{
	return name.len == 0 || slice_is(name, ".");
}

/* Writes the path of one side of a record, as this mount has it. False: nobody wants it, or nobody
 * can tell. */
static bool find_path(struct fanotify *fanotify, struct marked *marked,
        const struct fanotify_name *side, struct buf *out)
{
	if (!side->fsid || memcmp(side->fsid, marked->fsid, sizeof marked->fsid) != 0)
		return false;
	struct dir_handle handle = {.mount_id = marked->mount_id, .bytes = side->handle};
	struct dir_path *dir = path_of(fanotify, marked, &handle);
	if (!dir)
		return false;
	if (is_self(side->name)) {
		buf_reset(out);
		buf_append_slice(out, dir->path);
		return dir->is_wanted || is_wanted(fanotify, parent_of(dir->path));
	}
	if (!dir->is_wanted)
		return false;
	join(out, dir->path, side->name);
	if (out->len >= PATH_MAX && !dir->is_told) {
		dir->is_told = true;
		fanotify->events.degraded(fanotify->ctx, dir->path,
		        "holds names whose paths are too long to be opened");
	}
	return out->len < PATH_MAX;
}

/* --- touches ---------------------------------------------------------------------------------- */

static unsigned hints_of(uint64_t mask)
{
	bool is_directory = mask & FAN_ONDIR;
	unsigned hints = is_directory ? TOUCH_DIRECTORY : 0;
	if (mask & FAN_CREATE)
		hints |= TOUCH_CREATED | (is_directory ? TOUCH_DONE : TOUCH_WRITING);
	/* A file is stamped before its bytes are there: a reader in between saw the new stamp. */
	if (mask & FAN_MODIFY)
		hints |= TOUCH_WRITING | TOUCH_REREAD;
	if (mask & (FAN_CLOSE_WRITE | FAN_ATTRIB))
		hints |= TOUCH_DONE;
	if (mask & FAN_DELETE)
		hints |= TOUCH_DONE | TOUCH_GONE;
	return hints;
}

static void tell(struct fanotify *fanotify, const struct fanotify_record *record, struct slice path,
        struct slice old_path, unsigned hints)
{
	struct touch touch = {.path = path,
	        .old_path = old_path,
	        .hints = hints,
	        .cause = CAUSE_LIVE,
	        .gap = ACTOR_ENDED};
	if (fanotify->events.who)
		touch.by = fanotify->events.who(fanotify->ctx, record->pid, record->pidfd);
	if (touch.by)
		touch.gap = touch.by->gap;
	fanotify->events.touched(fanotify->ctx, &touch);
}

/* Its handle stands for this path before anything in it is told of. */
static void remember_directory(
        struct fanotify *fanotify, struct marked *marked, const struct fanotify_record *record)
{
	struct dir_handle handle = {.mount_id = marked->mount_id, .bytes = record->target};
	struct slice path = buf_slice(&fanotify->path);
	if (record->target.len > 0)
		paths_put(&fanotify->paths, &handle, path, is_wanted(fanotify, path));
}

static void tell_named(
        struct fanotify *fanotify, struct marked *marked, const struct fanotify_record *record)
{
	if (!find_path(fanotify, marked, &record->at, &fanotify->path))
		return;
	unsigned hints = hints_of(record->mask);
	bool is_new_directory = hints & TOUCH_DIRECTORY && hints & TOUCH_CREATED;
	if (is_new_directory && !is_self(record->at.name))
		remember_directory(fanotify, marked, record);
	tell(fanotify, record, buf_slice(&fanotify->path), (struct slice){0}, hints);
}

/* Of a rename of which only one side is wanted the other is nowhere. */
static void tell_rename(
        struct fanotify *fanotify, struct marked *marked, const struct fanotify_record *record)
{
	bool is_directory = record->mask & FAN_ONDIR;
	unsigned hints = TOUCH_DONE | (is_directory ? TOUCH_DIRECTORY : 0);
	bool to = find_path(fanotify, marked, &record->at, &fanotify->path);
	bool from = find_path(fanotify, marked, &record->from, &fanotify->old_path);
	struct slice path = buf_slice(&fanotify->path), old_path = buf_slice(&fanotify->old_path);
	if (to && from)
		tell(fanotify, record, path, old_path, hints | (is_directory ? TOUCH_RELIST : 0));
	else if (to)
		tell(fanotify, record, path, (struct slice){0}, hints | TOUCH_CREATED);
	else if (from)
		tell(fanotify, record, old_path, (struct slice){0}, hints | TOUCH_GONE);
}

void fanotify_tell(struct fanotify *fanotify, const struct fanotify_record *record)
{
	bool is_rename = record->mask & FAN_RENAME;
	/* See fanotify_paths.h. */
	if (is_rename && record->mask & FAN_ONDIR)
		paths_forget(&fanotify->paths);
	for (size_t i = 0; i < fanotify->marked_count; i++) {
		struct marked *marked = &fanotify->marked[i];
		if (marked->code != 0)
			continue;
		if (is_rename)
			tell_rename(fanotify, marked, record);
		else
			tell_named(fanotify, marked, record);
	}
}
