#include "agent/watch/inotify.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/watch/inotify_private.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define STEP_BYTES (1u << 20) /* read in one step of the loop */
#define REST_MS    5          /* under load; the queue holds 16384 records */

/* --- touches ---------------------------------------------------------------------------------- */

static void tell(struct inotify *watch, struct slice path, struct slice old_path, unsigned hints)
{
	struct touch touch = {
	        .path = path,
	        .old_path = old_path,
	        .hints = hints,
	        .cause = CAUSE_LIVE,
	        .gap = ACTOR_SOURCE,
	};
	watch->events.touched(watch->ctx, &touch);
}

static void tell_last(struct inotify *watch)
{
	unsigned hints = watch->last_hints;
	if (!hints)
		return;
	watch->last_hints = 0;
	tell(watch, buf_slice(&watch->last_path), (struct slice){0}, hints);
}

static bool append_name(struct buf *path, struct slice name)
{
	if (path->len > 1)
		buf_append_byte(path, '/');
	buf_append_slice(path, name);
	return path->len < PATH_MAX;
}

/* The path of a name in a watched directory; false when nobody can open it, which is said once. */
static bool path_of(
        struct inotify *watch, struct watch_node *node, struct slice name, struct buf *out)
{
	tree_path(node, out);
	if (append_name(out, name))
		return true;
	inotify_tell_degraded(watch, node, "holds names whose paths are too long to be opened");
	return false;
}

/* --- renames ---------------------------------------------------------------------------------- */

/* Whether a rename away from `path` that stood at `at` among the records took the node along. No,
 * when the node came to its path later. Where nobody can tell, the kernel is asked what is there.
 */
static bool went_along(
        struct inotify *watch, const struct watch_node *node, struct slice path, uint64_t at)
{
	if (at >= node->since)
		return true;
	if (at < node->since - node->unsure)
		return false;
	return inotify_add(watch, path) < 0;
}

static void move_directory(struct inotify *watch, struct slice from, struct slice to, uint64_t at)
{
	struct watch_node *node = tree_find(&watch->tree, from);
	if (!node || !went_along(watch, node, from, at))
		return;
	node = tree_find(&watch->tree, from);
	struct watch_node *there = tree_find(&watch->tree, to);
	if (!node)
		return;
	if (there && there->wd >= 0 && at < there->since)
		tree_drop(&watch->tree, node); /* it has left that path again: later records say */
	else
		tree_move(&watch->tree, node, to);
}

/* The other half never came: it went to where nobody watches. */
static void lapse(struct inotify *watch, struct move_half *half)
{
	struct slice path = slice_of(half->path, half->path_len);
	unsigned hints = TOUCH_GONE | TOUCH_DONE;
	if (half->is_directory) {
		hints |= TOUCH_DIRECTORY;
		struct watch_node *node = tree_find(&watch->tree, path);
		if (node && went_along(watch, node, path, half->at)) {
			node = tree_find(&watch->tree, path);
			if (node)
				tree_drop(&watch->tree, node);
		}
	}
	tell(watch, path, (struct slice){0}, hints);
	moves_drop(half);
}

static void lapse_until(struct inotify *watch, uint64_t now_ms)
{
	struct move_half half;
	while (moves_take_lapsed(&watch->moves, now_ms, &half))
		lapse(watch, &half);
}

static void take_moved_from(struct inotify *watch, const struct inotify_event *record, uint64_t at)
{
	if (moves_are_full(&watch->moves)) {
		struct move_half oldest;
		moves_take_lapsed(&watch->moves, UINT64_MAX, &oldest);
		lapse(watch, &oldest);
	}
	moves_hold(&watch->moves, buf_slice(&watch->path), at, record->cookie,
	        record->mask & IN_ISDIR);
}

static void take_moved_to(struct inotify *watch, const struct inotify_event *record)
{
	bool is_directory = record->mask & IN_ISDIR;
	unsigned hints = TOUCH_DONE | (is_directory ? TOUCH_DIRECTORY : 0u);
	struct slice path = buf_slice(&watch->path);
	struct move_half half;
	if (!moves_take(&watch->moves, record->cookie, &half)) {
		tell(watch, path, (struct slice){0}, hints | TOUCH_CREATED);
		return;
	}
	struct slice from = slice_of(half.path, half.path_len);
	if (is_directory)
		move_directory(watch, from, path, half.at);
	tell(watch, path, from, hints | (is_directory ? TOUCH_RELIST : 0u));
	moves_drop(&half);
}

/* --- the drain -------------------------------------------------------------------------------- */

static unsigned hints_of(uint32_t mask)
{
	unsigned hints = 0;
	if (mask & IN_CREATE)
		hints |= TOUCH_CREATED | (mask & IN_ISDIR ? TOUCH_DONE : TOUCH_WRITING);
	/* A file is stamped before its bytes are there: a reader in between saw the new stamp. */
	if (mask & IN_MODIFY)
		hints |= TOUCH_WRITING | TOUCH_REREAD;
	if (mask & (IN_CLOSE_WRITE | IN_ATTRIB))
		hints |= TOUCH_DONE;
	if (mask & IN_DELETE)
		hints |= TOUCH_DONE | TOUCH_GONE;
	if (hints && (mask & IN_ISDIR))
		hints |= TOUCH_DIRECTORY;
	return hints;
}

static bool is_last(const struct inotify *watch, int wd, struct slice name)
{
	const struct buf *last = &watch->last_path;
	return watch->last_hints && watch->last_wd == wd &&
	       slice_equal(name,
	               slice_of(last->data + watch->last_name_at, last->len - watch->last_name_at));
}

/* A life is said once each: nothing is merged behind an end or in front of a beginning. */
static void take_named(struct inotify *watch, struct watch_node *node,
        const struct inotify_event *record, struct slice name)
{
	unsigned hints = hints_of(record->mask);
	if (!hints)
		return;
	if (is_last(watch, record->wd, name) && !(hints & TOUCH_CREATED) &&
	        !(watch->last_hints & TOUCH_GONE)) {
		watch->last_hints |= hints;
		return;
	}
	tell_last(watch);
	/* That may have moved or dropped nodes. */
	node = wds_node(&watch->tree.wds, record->wd);
	if (!node || !path_of(watch, node, name, &watch->last_path))
		return;
	watch->last_wd = record->wd;
	watch->last_hints = hints;
	watch->last_name_at = watch->last_path.len - name.len;
}

static void take_move(
        struct inotify *watch, const struct inotify_event *record, struct slice name, uint64_t at)
{
	tell_last(watch);
	struct watch_node *node = wds_node(&watch->tree.wds, record->wd);
	if (!node || !path_of(watch, node, name, &watch->path))
		return;
	if (record->mask & IN_MOVED_FROM)
		take_moved_from(watch, record, at);
	else
		take_moved_to(watch, record);
}

static void look_later(struct inotify *watch, int wd)
{
	if (watch->moved_count == watch->moved_room) {
		watch->moved_room = watch->moved_room ? watch->moved_room * 2 : 16;
		watch->moved = mem_resize(watch->moved, watch->moved_room * sizeof(*watch->moved));
	}
	watch->moved[watch->moved_count++] = wd;
}

/* A directory was renamed, and its parent should have said where to. It did not if it was not yet
 * watched then: so the kernel is asked whether the directory is where it is thought to be. */
static void look_for_moved(struct inotify *watch)
{
	struct buf path = BUF_INIT;
	for (size_t i = 0; i < watch->moved_count; i++) {
		struct watch_node *node = wds_node(&watch->tree.wds, watch->moved[i]);
		if (!node)
			continue;
		tree_path(node, &path);
		int rc = inotify_add(watch, buf_slice(&path));
		if (rc == 0)
			tell(watch, buf_slice(&path), (struct slice){0},
			        TOUCH_DONE | TOUCH_DIRECTORY | TOUCH_RELIST);
		if (rc >= 0)
			continue;
		node = tree_find(&watch->tree, buf_slice(&path));
		if (node)
			tree_drop(&watch->tree, node);
		tell(watch, buf_slice(&path), (struct slice){0},
		        TOUCH_GONE | TOUCH_DONE | TOUCH_DIRECTORY);
	}
	buf_fini(&path);
	free(watch->moved);
	watch->moved = NULL;
	watch->moved_count = watch->moved_room = 0;
}

/* What a directory says of itself its watched parent has said with its name. */
static void take_self(struct inotify *watch, const struct inotify_event *record, uint64_t at)
{
	tell_last(watch);
	struct watch_node *node = wds_node(&watch->tree.wds, record->wd);
	if (!node)
		return;
	bool parent_tells = node->parent && node->parent->wd >= 0;
	unsigned hints = TOUCH_DONE | TOUCH_DIRECTORY;
	if (record->mask & IN_UNMOUNT)
		return; /* what it showed is hidden, not deleted: mounts.h */
	if (parent_tells && (record->mask & IN_MOVE_SELF))
		look_later(watch, record->wd);
	if (parent_tells)
		return;
	if (record->mask & (IN_DELETE_SELF | IN_MOVE_SELF))
		hints |= TOUCH_GONE;
	struct buf path = BUF_INIT;
	tree_path(node, &path);
	if ((record->mask & IN_MOVE_SELF) && went_along(watch, node, buf_slice(&path), at)) {
		node = tree_find(&watch->tree, buf_slice(&path));
		if (node)
			tree_drop(&watch->tree, node);
	}
	tell(watch, buf_slice(&path), (struct slice){0}, hints);
	buf_fini(&path);
}

static void take_overflow(struct inotify *watch)
{
	tell_last(watch);
	watch->has_lost_records = watch->is_unsure = true;
	watch->round++;
	lapse_until(watch, UINT64_MAX);
	watch->events.overflowed(watch->ctx);
}

static void take_record(struct inotify *watch, const struct inotify_event *record, uint64_t at)
{
	if (record->mask & IN_Q_OVERFLOW) {
		take_overflow(watch);
		return;
	}
	if (record->mask & IN_IGNORED) {
		struct watch_node *lost = wds_ignored(&watch->tree.wds, record->wd);
		if (lost)
			tree_lost_wd(&watch->tree, lost);
		return;
	}
	struct watch_node *node = wds_node(&watch->tree.wds, record->wd);
	if (!node)
		return;
	struct slice name = slice_of(record->name, strnlen(record->name, record->len));
	if (name.len == 0)
		take_self(watch, record, at);
	else if (record->mask & (IN_MOVED_FROM | IN_MOVED_TO))
		take_move(watch, record, name, at);
	else
		take_named(watch, node, record, name);
}

static void take_records(struct inotify *watch, size_t len)
{
	uint64_t at = watch->read_bytes;
	watch->read_bytes += len;
	for (size_t from = 0; from + sizeof(struct inotify_event) <= len;) {
		const struct inotify_event *record = (const void *)(watch->records + from);
		size_t size = sizeof(*record) + record->len;
		take_record(watch, record, at);
		from += size;
		at += size;
	}
}

/* Nothing will be heard any more. The walk that `overflowed` brings about is all that is left. */
static void broke(struct inotify *watch, int code)
{
	log_error("cannot read changes from inotify: %s", err_text(code));
	fd_watch_pause(watch->readable);
	watch->events.degraded(watch->ctx, slice_text("/"), "changes cannot be read from inotify");
	watch->events.overflowed(watch->ctx);
}

static void saw_empty(struct inotify *watch)
{
	moves_saw_empty(&watch->moves, loop_now_ms(watch->loop));
	if (watch->moves.count == 0 && watch->moved_count > 0) {
		tell_last(watch);
		look_for_moved(watch);
	}
	if (!watch->has_lost_records)
		return;
	watch->has_lost_records = false;
	wds_expect_no_ignored(&watch->tree.wds);
}

/* How many bytes there were; 0 also when it cannot be read any more. */
static size_t drain(struct inotify *watch)
{
	size_t taken = 0;
	watch->is_draining = true;
	while (taken < STEP_BYTES) {
		ssize_t len = read(watch->fd, watch->records, sizeof(watch->records));
		if (len > 0) {
			taken += (size_t)len;
			take_records(watch, (size_t)len);
			continue;
		}
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN) {
			saw_empty(watch);
		} else {
			broke(watch, len < 0 ? -errno : -EIO);
			taken = 0;
		}
		break;
	}
	tell_last(watch);
	watch->is_draining = false;
	inotify_give_back(watch);
	if (watch->moves.count > 0 && !timer_is_active(watch->moves_timer))
		timer_start(watch->moves_timer, MOVES_WAIT_MS + 1, 0);
	return taken;
}

static void on_readable(void *ctx)
{
	struct inotify *watch = ctx;
	lull_drained(watch->lull, drain(watch));
}

/* Timers run before descriptors: the second halves may have come and not been read. */
static void on_moves_timer(void *ctx)
{
	struct inotify *watch = ctx;
	drain(watch);
	lapse_until(watch, loop_now_ms(watch->loop));
	if (watch->moves.count == 0)
		look_for_moved(watch);
	inotify_give_back(watch);
	if (watch->moves.count > 0)
		timer_start(watch->moves_timer, MOVES_WAIT_MS + 1, 0);
}

/* --- life ------------------------------------------------------------------------------------- */

int inotify_new(struct loop *loop, const struct watch_events *events, void *ctx,
        struct inotify **out, struct reason *out_why)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return fail(out_why, -errno, "cannot start inotify: %s", err_text(-errno));
	struct inotify *watch = mem_new(sizeof(*watch));
	watch->loop = loop;
	watch->events = *events;
	watch->ctx = ctx;
	watch->fd = fd;
	tree_init(&watch->tree);
	watch->readable = fd_watch_new(loop, fd, on_readable, watch);
	watch->lull = lull_new(loop, watch->readable, REST_MS);
	watch->moves_timer = timer_new(loop, on_moves_timer, watch);
	*out = watch;
	return 0;
}

void inotify_free(struct inotify *watch)
{
	if (!watch)
		return;
	timer_free(watch->moves_timer);
	lull_free(watch->lull);
	fd_watch_free(watch->readable);
	close(watch->fd);
	struct move_half half;
	while (moves_take_lapsed(&watch->moves, UINT64_MAX, &half))
		moves_drop(&half);
	tree_fini(&watch->tree);
	buf_fini(&watch->last_path);
	buf_fini(&watch->path);
	free(watch->moved);
	free(watch);
}
