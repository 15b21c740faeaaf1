#include "agent/watch/inotify_private.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define STEP_ENDS 1024 /* watches given back in one step: see inotify_wds.h */
#define ADD_TRIES 16

/*
 * IN_EXCL_UNLINK: what is still written to a file that was unlinked under this name says nothing
 * about the name. Without it every log file that is deleted while open keeps touching a path that
 * is gone, and a file made with O_TMPFILE is reported as "#INODE".
 */
#define NAMES_MASK                                                                             \
	(IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | \
	        IN_ONLYDIR | IN_DONT_FOLLOW)
#define WATCH_MASK (NAMES_MASK | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_EXCL_UNLINK)

void inotify_tell_degraded(struct inotify *watch, struct watch_node *node, const char *why)
{
	if (node->is_told)
		return;
	node->is_told = true;
	struct buf path = BUF_INIT;
	tree_path(node, &path);
	watch->events.degraded(watch->ctx, buf_slice(&path), why);
	buf_fini(&path);
}

static int queued_bytes(const struct inotify *watch)
{
	int bytes = 0;
	return ioctl(watch->fd, FIONREAD, &bytes) == 0 ? bytes : 0;
}

/* Places the watch, and finds out between which records it happened: tries again when records came
 * in meanwhile, so that the place is nearly always exact. */
static int place(struct inotify *watch, struct slice dir, const char *path, uint64_t *out_since,
        uint32_t *out_unsure)
{
	int wd = -1, last = -1, before = 0, after = 0;
	bool names = watch->events.wants_names && watch->events.wants_names(watch->ctx, dir);
	for (int tries = 0; tries < ADD_TRIES; tries++) {
		before = queued_bytes(watch);
		wd = inotify_add_watch(watch->fd, path, names ? NAMES_MASK : WATCH_MASK);
		int code = wd < 0 ? -errno : 0;
		if (last >= 0 && last != wd) /* what was watched a moment ago has left the path */
			wds_abandon(&watch->tree.wds, last);
		if (wd < 0)
			return code;
		last = wd;
		after = queued_bytes(watch);
		if (before == after)
			break;
	}
	*out_since = watch->read_bytes + (uint64_t)after;
	*out_unsure = (uint32_t)(after - before);
	return wd;
}

static int add_failed(struct inotify *watch, struct slice dir, int code)
{
	switch (code) {
	case -ENOENT:
	case -ENOTDIR:
	case -EACCES: /* then it cannot be listed either: whoever lists it says so */
		return code;
	case -ENOSPC:
		code = ERR_LIMIT;
		inotify_tell_degraded(watch, tree_make(&watch->tree, dir),
		        "cannot be watched: fs.inotify.max_user_watches is reached");
		return code;
	default:
		inotify_tell_degraded(watch, tree_make(&watch->tree, dir), err_text(code));
		return code;
	}
}

static bool is_same_directory(const char *one, const char *other)
{
	struct stat a, b;
	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/* Whether `path` reaches through a link what is still where its node has it: the path was one of
 * directories when it was asked for, and one of them has become a link since. */
static bool is_detour(const char *path, const struct watch_node *holder)
{
	char real[PATH_MAX];
	struct buf held = BUF_INIT;
	if (!realpath(path, real) || strcmp(real, path) == 0)
		return false;
	tree_path(holder, &held);
	bool is_one = is_same_directory(buf_text(&held), path);
	buf_fini(&held);
	return is_one;
}

/* The node that the descriptor stands for from now on, at this path. NULL: it stays where it is. */
static struct watch_node *settle_node(
        struct inotify *watch, struct slice dir, const char *path, int wd)
{
	struct watch_tree *tree = &watch->tree;
	struct watch_node *holder = wds_holder(&tree->wds, wd);
	if (holder && is_detour(path, holder))
		return NULL;
	if (holder)
		return tree_move(tree, holder, dir);
	struct watch_node *node = tree_find(tree, dir);
	if (node && node->wd >= 0)
		tree_drop(tree, node); /* another directory stood here: what is below was its */
	node = tree_make(tree, dir);
	tree_set_wd(tree, node, wd);
	return node;
}

int inotify_add(struct inotify *watch, struct slice dir)
{
	char path[PATH_MAX];
	if (dir.len == 0 || dir.ptr[0] != '/' || memchr(dir.ptr, '\0', dir.len))
		return -EINVAL;
	if (dir.len >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, dir.ptr, dir.len);
	path[dir.len] = '\0';
	uint64_t since = 0;
	uint32_t unsure = 0;
	int wd = place(watch, dir, path, &since, &unsure);
	if (wd < 0)
		return add_failed(watch, dir, wd);
	struct watch_node *node = tree_find(&watch->tree, dir);
	bool is_known = node && node->wd == wd;
	if (!is_known)
		node = settle_node(watch, dir, path, wd);
	if (!node)
		return -ENOTDIR;
	node->since = since;
	node->unsure = unsure;
	node->is_told = false;
	node->round = watch->round;
	return is_known;
}

void inotify_give_back(struct inotify *watch)
{
	for (int given = 0; given < STEP_ENDS;) {
		int wd = wds_take_ended(&watch->tree.wds);
		if (wd < 0)
			return;
		if (inotify_rm_watch(watch->fd, wd) == 0)
			given++; /* its IN_IGNORED is queued: the drain comes here again */
	}
}

void inotify_remove(struct inotify *watch, struct slice dir)
{
	struct watch_node *node = tree_find(&watch->tree, dir);
	if (!node)
		return;
	tree_drop(&watch->tree, node);
	if (!watch->is_draining)
		inotify_give_back(watch);
}

void inotify_compared(struct inotify *watch)
{
	if (!watch->is_unsure)
		return;
	watch->is_unsure = false;
	tree_sweep(&watch->tree, watch->round);
	if (!watch->is_draining)
		inotify_give_back(watch);
}

bool inotify_has(const struct inotify *watch, struct slice dir)
{
	const struct watch_node *node = tree_find(&watch->tree, dir);
	return node && node->wd >= 0;
}

size_t inotify_count(const struct inotify *watch)
{
	return watch->tree.wds.live;
}
