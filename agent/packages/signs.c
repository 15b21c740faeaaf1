#include "agent/packages/signs.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/base/mem.h"

struct signs {
	const char *root;
	const struct signs_place *places;
	size_t count;
	void (*seen)(void *ctx, unsigned signs);
	void *ctx;
	int fd;
	struct fd_watch *readable;
	int wd[SIGNS_PLACES_MAX]; /* -1: not watched; two places may be one directory */
};

/* --- placing --------------------------------------------------------------------------------- */

/* Places what is missing; a sign when a file is among it. */
static unsigned place_missing(struct signs *signs)
{
	char path[PATH_MAX];
	unsigned found = 0;
	for (size_t i = 0; i < signs->count; i++) {
		if (signs->wd[i] >= 0)
			continue;
		snprintf(path, sizeof(path), "%s%s", signs->root, signs->places[i].path);
		signs->wd[i] = inotify_add_watch(signs->fd, path, signs->places[i].mask);
		if (signs->wd[i] >= 0 && signs->places[i].is_file)
			found = SIGN_RUNS;
	}
	return found;
}

static void forget(struct signs *signs, int wd)
{
	for (size_t i = 0; i < signs->count; i++)
		if (signs->wd[i] == wd)
			signs->wd[i] = -1;
}

static void leave(struct signs *signs, int wd)
{
	inotify_rm_watch(signs->fd, wd);
	forget(signs, wd);
}

/* What was watched itself is another file now: nobody writes to it any more. */
static void leave_files(struct signs *signs)
{
	for (size_t i = 0; i < signs->count; i++)
		if (signs->places[i].is_file && signs->wd[i] >= 0)
			leave(signs, signs->wd[i]);
}

/* --- records --------------------------------------------------------------------------------- */

static unsigned signs_of(struct signs *signs, const struct inotify_event *record)
{
	const char *name = record->len > 0 ? record->name : "";
	unsigned found = 0;
	if (record->mask & IN_Q_OVERFLOW)
		return SIGN_ALL;
	if (record->mask & IN_IGNORED) {
		forget(signs, record->wd);
		return 0;
	}
	for (size_t i = 0; i < signs->count; i++)
		if (signs->wd[i] == record->wd)
			found |= signs->places[i].sign(name, record->mask);
	if (found & SIGN_ANOTHER)
		leave_files(signs);
	else if (record->mask & IN_MOVE_SELF)
		leave(signs, record->wd);
	return found & SIGN_ALL;
}

/* Takes one buffer's worth; for what is left the loop calls again. */
static void on_readable(void *ctx)
{
	struct signs *signs = ctx;
	_Alignas(struct inotify_event) uint8_t records[8192];
	unsigned found = 0;
	ssize_t len = read(signs->fd, records, sizeof(records));
	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *record = (const void *)(records + at);
		found |= signs_of(signs, record);
		at += (ssize_t)(sizeof(*record) + record->len);
	}
	if (len > 0)
		found |= place_missing(signs);
	if (found)
		signs->seen(signs->ctx, found);
}

/* --- life ------------------------------------------------------------------------------------ */

int signs_new(struct loop *loop, const char *root, const struct signs_place *places, size_t count,
        void (*seen)(void *ctx, unsigned signs), void *ctx, struct signs **out,
        struct reason *out_why)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return fail(out_why, -errno, "cannot start inotify: %s", err_text(-errno));
	struct signs *signs = mem_new(sizeof(*signs));
	assert(count <= SIGNS_PLACES_MAX);
	signs->root = root;
	signs->places = places;
	signs->count = count;
	signs->seen = seen;
	signs->ctx = ctx;
	signs->fd = fd;
	for (size_t i = 0; i < count; i++)
		signs->wd[i] = -1;
	place_missing(signs);
	signs->readable = fd_watch_new(loop, fd, on_readable, signs);
	*out = signs;
	return 0;
}

void signs_glance(struct signs *signs)
{
	on_readable(signs);
}

void signs_free(struct signs *signs)
{
	if (!signs)
		return;
	fd_watch_free(signs->readable);
	close(signs->fd);
	free(signs);
}
