#include "agent/watch/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/watch/mountinfo.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define READ_BYTES 4096

struct mount {
	uint64_t id;
	uint8_t *point;
	size_t point_len;
};

struct mount_list {
	struct mount *mount; /* sorted by id */
	size_t count, room;
};

struct mounts {
	struct mounts_events events;
	void *ctx;
	int fd;
	struct fd_watch *changed;
	struct mount_list list;
};

/* --- lists ------------------------------------------------------------------------------------ */

static void free_list(struct mount_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->mount[i].point);
	free(list->mount);
	*list = (struct mount_list){0};
}

static void add(struct mount_list *list, const struct mount_line *line)
{
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 8;
		list->mount = mem_resize(list->mount, list->room * sizeof *list->mount);
	}
	list->mount[list->count++] = (struct mount){
	        .id = line->id,
	        .point = mem_copy(line->point.ptr, line->point.len),
	        .point_len = line->point.len,
	};
}

static int by_id(const void *a, const void *b)
{
	const struct mount *left = a, *right = b;
	return (left->id > right->id) - (left->id < right->id);
}

static int read_all(int fd, struct buf *out)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	for (;;) {
		ssize_t len = read(fd, buf_reserve(out, READ_BYTES), READ_BYTES);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return len < 0 ? -errno : 0;
		out->len += (size_t)len;
		if (out->len > MOUNTINFO_BYTES_MAX)
			return ERR_LIMIT;
	}
}

static int read_list(struct mounts *mounts, struct mount_list *out)
{
	struct buf text = BUF_INIT, scratch = BUF_INIT;
	struct mount_line line;
	int rc = read_all(mounts->fd, &text);
	struct slice rest = buf_slice(&text);
	while (rc == 0 && mountinfo_next(&rest, &scratch, &line))
		if (mounts->events.matters(mounts->ctx, line.point))
			add(out, &line);
	if (out->count > 1)
		qsort(out->mount, out->count, sizeof *out->mount, by_id);
	buf_fini(&text);
	buf_fini(&scratch);
	return rc;
}

/* --- changes ---------------------------------------------------------------------------------- */

static void tell(struct mounts *mounts, const struct mount *mount, bool is_mounted)
{
	mounts->events.changed(mounts->ctx, slice_of(mount->point, mount->point_len), is_mounted);
}

static bool is_same(const struct mount *a, const struct mount *b)
{
	return a->id == b->id &&
	       slice_equal(slice_of(a->point, a->point_len), slice_of(b->point, b->point_len));
}

/* What is in one list and not in the other. A mount that was moved is in both: gone and come. */
static void tell_differences(
        struct mounts *mounts, const struct mount_list *old, const struct mount_list *now)
{
	size_t i = 0, j = 0;
	while (i < old->count || j < now->count) {
		int order = i == old->count   ? 1
		            : j == now->count ? -1
		                              : by_id(&old->mount[i], &now->mount[j]);
		bool differs = order != 0 || !is_same(&old->mount[i], &now->mount[j]);
		if (order <= 0 && differs)
			tell(mounts, &old->mount[i], false);
		if (order >= 0 && differs)
			tell(mounts, &now->mount[j], true);
		i += order <= 0;
		j += order >= 0;
	}
}

static void on_changed(void *ctx)
{
	struct mounts *mounts = ctx;
	struct mount_list now = {0}, old = mounts->list;
	int rc = read_list(mounts, &now);
	if (rc < 0) {
		log_error("cannot read which file systems are mounted: %s", err_text(rc));
		free_list(&now);
		return;
	}
	mounts->list = now;
	tell_differences(mounts, &old, &now);
	free_list(&old);
}

/* --- life ------------------------------------------------------------------------------------- */

int mounts_new(struct loop *loop, const struct mounts_events *events, void *ctx,
        struct mounts **out, struct reason *out_why)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(out_why, -errno, "cannot see which file systems are mounted: %s",
		        err_text(-errno));
	struct mounts *mounts = mem_new(sizeof *mounts);
	mounts->events = *events;
	mounts->ctx = ctx;
	mounts->fd = fd;
	int rc = read_list(mounts, &mounts->list);
	mounts->changed = fd_watch_new_urgent(loop, fd, on_changed, mounts);
	if (rc < 0) {
		mounts_free(mounts);
		return fail(out_why, rc, "cannot read which file systems are mounted: %s",
		        err_text(rc));
	}
	*out = mounts;
	return 0;
}

void mounts_free(struct mounts *mounts)
{
	if (!mounts)
		return;
	fd_watch_free(mounts->changed);
	close(mounts->fd);
	free_list(&mounts->list);
	free(mounts);
}
