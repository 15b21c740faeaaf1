#include "agent/inventory/trigger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/base/mem.h"

/* Not IN_MODIFY: who writes in place closes in the end. Links are made and never closed. */
#define TRIGGER_MASK \
	(IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR | IN_MASK_ADD)
#define TRIGGER_MASK_ANY (TRIGGER_MASK | IN_CREATE)

struct watched {
	int wd;
	const char *name;
};

struct trigger {
	struct loop *loop;
	void (*fired)(void *ctx);
	void *ctx;
	int fd;
	struct fd_watch *readable;
	struct timer *quiet;
	uint64_t first_ms; /* of the changes not yet told; 0: none */
	struct watched watched[TRIGGER_MAX];
	size_t count;
};

static void on_quiet(void *ctx)
{
	struct trigger *trigger = ctx;
	trigger->first_ms = 0;
	trigger->fired(trigger->ctx);
}

static void wait_for_quiet(struct trigger *trigger)
{
	uint64_t now_ms = loop_now_ms(trigger->loop), wait_ms = TRIGGER_QUIET_MS;
	if (trigger->first_ms == 0)
		trigger->first_ms = now_ms;
	uint64_t last_ms = trigger->first_ms + TRIGGER_MOST_MS;
	if (now_ms + wait_ms > last_ms)
		wait_ms = last_ms > now_ms ? last_ms - now_ms : 0;
	timer_start(trigger->quiet, wait_ms, 0);
}

static void forget(struct trigger *trigger, int wd)
{
	size_t kept = 0;
	for (size_t i = 0; i < trigger->count; i++)
		if (trigger->watched[i].wd != wd)
			trigger->watched[kept++] = trigger->watched[i];
	trigger->count = kept;
}

/* NULL awaits any. */
static bool is_name(const char *awaited, const char *name)
{
	return !awaited || strcmp(awaited, name) == 0;
}

static bool is_awaited(const struct trigger *trigger, const struct inotify_event *record)
{
	if (record->mask & (IN_Q_OVERFLOW | IN_IGNORED))
		return true;
	for (size_t i = 0; i < trigger->count; i++)
		if (trigger->watched[i].wd == record->wd && record->len > 0 &&
		        is_name(trigger->watched[i].name, record->name))
			return true;
	return false;
}

/* Takes one buffer's worth; for what is left the loop calls again. */
static void on_readable(void *ctx)
{
	struct trigger *trigger = ctx;
	_Alignas(struct inotify_event) uint8_t records[8192];
	bool is_changed = false;
	ssize_t len = read(trigger->fd, records, sizeof(records));
	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *record = (const void *)(records + at);
		is_changed |= is_awaited(trigger, record);
		if (record->mask & IN_IGNORED)
			forget(trigger, record->wd);
		at += (ssize_t)(sizeof(*record) + record->len);
	}
	if (is_changed)
		wait_for_quiet(trigger);
}

int trigger_new(struct loop *loop, void (*fired)(void *ctx), void *ctx, struct trigger **out,
        struct reason *out_why)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return fail(out_why, -errno, "cannot start inotify: %s", err_text(-errno));
	struct trigger *trigger = mem_new(sizeof(*trigger));
	trigger->loop = loop;
	trigger->fired = fired;
	trigger->ctx = ctx;
	trigger->fd = fd;
	trigger->quiet = timer_new(loop, on_quiet, trigger);
	trigger->readable = fd_watch_new(loop, fd, on_readable, trigger);
	*out = trigger;
	return 0;
}

void trigger_free(struct trigger *trigger)
{
	if (!trigger)
		return;
	fd_watch_free(trigger->readable);
	timer_free(trigger->quiet);
	close(trigger->fd);
	free(trigger);
}

void trigger_add(struct trigger *trigger, const char *dir, const char *name)
{
	int wd = inotify_add_watch(trigger->fd, dir, name ? TRIGGER_MASK : TRIGGER_MASK_ANY);
	if (wd < 0 || trigger->count == TRIGGER_MAX)
		return;
	for (size_t i = 0; i < trigger->count; i++)
		if (trigger->watched[i].wd == wd &&
		        (trigger->watched[i].name == name ||
		                (trigger->watched[i].name && name &&
		                        strcmp(trigger->watched[i].name, name) == 0)))
			return;
	trigger->watched[trigger->count++] = (struct watched){.wd = wd, .name = name};
}
