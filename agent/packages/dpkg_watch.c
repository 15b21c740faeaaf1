#include "agent/packages/dpkg_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/base/mem.h"

enum place { LOG, LOG_DIR, DATABASE, INFO, PLACES };

/* Opening a lock for a question, as dpkg_lock.c does, is no sign: that is closed without having
 * been open for writing. */
static const struct {
	const char *path;
	uint32_t mask;
} PLACE[PLACES] = {
        [LOG] = {"/var/log/dpkg.log", IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF},
        [LOG_DIR] = {"/var/log", IN_CREATE | IN_MOVED_TO | IN_ONLYDIR},
        [DATABASE] = {"/var/lib/dpkg", IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR},
        [INFO] = {"/var/lib/dpkg/info",
                IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR},
};

struct dpkg_watch {
	const char *root;
	void (*seen)(void *ctx, unsigned signs);
	void *ctx;
	int fd;
	struct fd_watch *readable;
	int wd[PLACES]; /* -1: not watched */
};

/* --- placing --------------------------------------------------------------------------------- */

/* Places what is missing; whether the log is among it. */
static bool place_missing(struct dpkg_watch *watch)
{
	char path[PATH_MAX];
	bool had_log = watch->wd[LOG] >= 0;
	for (size_t i = 0; i < PLACES; i++) {
		if (watch->wd[i] >= 0)
			continue;
		snprintf(path, sizeof(path), "%s%s", watch->root, PLACE[i].path);
		watch->wd[i] = inotify_add_watch(watch->fd, path, PLACE[i].mask);
	}
	return !had_log && watch->wd[LOG] >= 0;
}

static void forget(struct dpkg_watch *watch, int wd)
{
	for (size_t i = 0; i < PLACES; i++)
		if (watch->wd[i] == wd)
			watch->wd[i] = -1;
}

/* What was the log is another file now: nobody writes to it any more. */
static void leave_log(struct dpkg_watch *watch)
{
	if (watch->wd[LOG] >= 0)
		inotify_rm_watch(watch->fd, watch->wd[LOG]);
	watch->wd[LOG] = -1;
}

/* --- records --------------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);
	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static unsigned sign_in_database(const struct inotify_event *record)
{
	const char *name = record->len > 0 ? record->name : "";
	bool is_lock = strcmp(name, "lock") == 0 || strcmp(name, "lock-frontend") == 0;
	if (is_lock && record->mask & IN_CLOSE_WRITE)
		return DPKG_UNLOCKED;
	return strcmp(name, "status") == 0 ? DPKG_CHANGED : 0;
}

static unsigned sign_of(struct dpkg_watch *watch, const struct inotify_event *record)
{
	const char *name = record->len > 0 ? record->name : "";
	if (record->mask & IN_Q_OVERFLOW)
		return DPKG_LOGGED | DPKG_UNLOCKED | DPKG_CHANGED;
	if (record->mask & IN_IGNORED) {
		forget(watch, record->wd);
		return 0;
	}
	if (record->wd == watch->wd[LOG]) {
		if (record->mask & (IN_MOVE_SELF | IN_DELETE_SELF))
			leave_log(watch);
		return DPKG_LOGGED;
	}
	if (record->wd == watch->wd[LOG_DIR] && strcmp(name, "dpkg.log") == 0) {
		leave_log(watch);
		return DPKG_LOGGED;
	}
	if (record->wd == watch->wd[DATABASE])
		return sign_in_database(record);
	if (record->wd == watch->wd[INFO] &&
	        (ends_with(name, ".list") || ends_with(name, ".md5sums")))
		return DPKG_CHANGED;
	return 0;
}

/* Takes one buffer's worth; for what is left the loop calls again. */
static void on_readable(void *ctx)
{
	struct dpkg_watch *watch = ctx;
	_Alignas(struct inotify_event) uint8_t records[8192];
	unsigned signs = 0;
	ssize_t len = read(watch->fd, records, sizeof(records));
	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *record = (const void *)(records + at);
		signs |= sign_of(watch, record);
		at += (ssize_t)(sizeof(*record) + record->len);
	}
	if (place_missing(watch))
		signs |= DPKG_LOGGED;
	if (signs)
		watch->seen(watch->ctx, signs);
}

/* --- life ------------------------------------------------------------------------------------ */

int dpkg_watch_new(struct loop *loop, const char *root, void (*seen)(void *ctx, unsigned signs),
        void *ctx, struct dpkg_watch **out, struct reason *out_why)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return fail(out_why, -errno, "cannot start inotify: %s", err_text(-errno));
	struct dpkg_watch *watch = mem_new(sizeof(*watch));
	watch->root = root;
	watch->seen = seen;
	watch->ctx = ctx;
	watch->fd = fd;
	for (size_t i = 0; i < PLACES; i++)
		watch->wd[i] = -1;
	place_missing(watch);
	watch->readable = fd_watch_new(loop, fd, on_readable, watch);
	*out = watch;
	return 0;
}

void dpkg_watch_free(struct dpkg_watch *watch)
{
	if (!watch)
		return;
	fd_watch_free(watch->readable);
	close(watch->fd);
	free(watch);
}
