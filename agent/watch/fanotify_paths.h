/*
 * fanotify_paths - the paths of directories by their file handles.
 *
 * A look-up (open_by_handle_at(2), readlink of the descriptor) tells where a directory is now,
 * which may be ahead of the records that are still in the queue. That is harmless: a touch claims
 * nothing, and the rename that brought the directory there follows. What would not be harmless is
 * a path that has gone stale, so a rename of any directory forgets all of them: whatever was looked
 * up before a rename happened is forgotten when its record is read.
 *
 * A directory that is gone cannot be looked up any more. So those that come to be are put in at
 * once, and what happens in a directory that lives for a moment only is still told of.
 *
 * Life     paths_init -> find, put, forget -> paths_fini.
 * Memory   PATHS_MAX entries, at most PATHS_BYTES_MAX: then all are forgotten.
 * Thread   one.
 */
#ifndef TSUJIBAN_AGENT_WATCH_FANOTIFY_PATHS_H
#define TSUJIBAN_AGENT_WATCH_FANOTIFY_PATHS_H

#include "common/base/slice.h"

#define PATHS_MAX       4096
#define PATHS_BYTES_MAX (1u << 20)
#define HANDLE_BYTES    136 /* struct file_handle with MAX_HANDLE_SZ bytes */

struct dir_path {
	struct slice path;
	bool is_wanted; /* something in it is watched */
	bool is_told;   /* `degraded` was called for it, since its path was last asked */
};

struct paths_entry;

struct paths {
	struct paths_entry *entries;
	size_t bytes;
};

/* A handle as the kernel hands it out, header and all, and the mount in which its path is asked. */
struct dir_handle {
	uint64_t mount_id;
	struct slice bytes; /* struct file_handle */
};

void paths_fini(struct paths *paths);
/* The path that is remembered; NULL: none. Valid until the next put or forget. */
struct dir_path *paths_find(const struct paths *paths, const struct dir_handle *handle);
struct dir_path *paths_put(
        struct paths *paths, const struct dir_handle *handle, struct slice path, bool is_wanted);
void paths_forget(struct paths *paths);
/* Asks the kernel, with a descriptor of the mount; the length, or -ESTALE, -ENOENT when the
 * directory is gone, …. */
int paths_look_up(int mount_fd, struct slice handle, char *out, size_t room);

#endif
