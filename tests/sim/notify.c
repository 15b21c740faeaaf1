#include "tests/sim/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include <utlist.h>

#include "tests/sim/disk.h"
#include "tests/sim/sim.h"

struct mark {
	struct mark *prev, *next;
	struct inode *inode;
	int wd;
	uint32_t mask;
};

struct record {
	struct record *prev, *next;
	int wd;
	uint32_t mask;
	uint32_t cookie;
	char name[256];
};

static struct {
	int fd; /* -1: nobody */
	struct mark *marks;
	struct record *queue;
	size_t queued;
	bool has_overflow;
	int last_wd;
	uint32_t cookies;
	uint64_t lost;
} notify = {.fd = -1};

void notify_begin(void)
{
	memset(&notify, 0, sizeof notify);
	notify.fd = -1;
}

/* --- the queue -------------------------------------------------------------------------------- */

static bool is_same(const struct record *a, int wd, uint32_t mask, const char *name)
{
	return !(a->mask & (IN_IGNORED | IN_Q_OVERFLOW)) && a->wd == wd && a->mask == mask &&
	       strcmp(a->name, name) == 0;
}

static void append(int wd, uint32_t mask, uint32_t cookie, const char *name)
{
	struct record *record = sim_alloc(sizeof *record);
	record->wd = wd;
	record->mask = mask;
	record->cookie = cookie;
	memcpy(record->name, name, strlen(name) + 1);
	DL_APPEND(notify.queue, record);
	notify.queued++;
}

static void queue(int wd, uint32_t mask, uint32_t cookie, const char *name)
{
	struct record *last = notify.queue ? notify.queue->prev : NULL;
	sim_trace("kernel: wd %d mask %x cookie %u %s", wd, mask, cookie, name);
	if (notify.queued >= SIM.settings.queue_limit) {
		notify.lost++;
		if (!notify.has_overflow)
			append(-1, IN_Q_OVERFLOW, 0, "");
		notify.has_overflow = true;
		sim_trace("kernel: lost, the queue is full");
		return;
	}
	if (last && is_same(last, wd, mask, name))
		return;
	append(wd, mask, cookie, name);
}

void notify_entry(struct inode *dir, const char *name, const struct inode *inode, uint32_t mask,
        uint32_t cookie)
{
	const struct mark *mark = dir->mark;
	if (mark && mark->mask & mask)
		queue(mark->wd, mask | (is_dir(inode) ? IN_ISDIR : 0), cookie, name);
}

void notify_self(struct inode *inode, uint32_t mask)
{
	const struct mark *mark = inode->mark;
	if (mark && mark->mask & mask)
		queue(mark->wd,
		        mask | (mask & IN_MOVE_SELF    ? 0
		                       : is_dir(inode) ? IN_ISDIR
		                                       : 0),
		        0, "");
}

uint32_t notify_cookie(void)
{
	return ++notify.cookies;
}

/* --- watches ---------------------------------------------------------------------------------- */

static void end_mark(struct mark *mark)
{
	DL_DELETE(notify.marks, mark);
	mark->inode->mark = NULL;
}

void notify_inode_gone(struct inode *inode)
{
	struct mark *mark = inode->mark;
	if (!mark)
		return;
	if (mark->mask & IN_DELETE_SELF)
		queue(mark->wd, IN_DELETE_SELF, 0, "");
	end_mark(mark);
	queue(mark->wd, IN_IGNORED, 0, "");
}

int notify_open(int fd)
{
	if (notify.fd >= 0)
		return -EMFILE;
	notify.fd = fd;
	notify.last_wd = 0;
	return fd;
}

void notify_close(int fd)
{
	if (fd != notify.fd)
		return;
	while (notify.marks)
		end_mark(notify.marks);
	notify.queue = NULL;
	notify.queued = 0;
	notify.has_overflow = false;
	notify.fd = -1;
}

int notify_add(int fd, struct inode *inode, uint32_t mask)
{
	if (fd != notify.fd)
		return -EBADF;
	struct mark *mark = inode->mark;
	if (!mark) {
		if (notify_count() >= SIM.settings.watch_limit)
			return -ENOSPC;
		mark = sim_alloc(sizeof *mark);
		mark->inode = inode;
		mark->wd = ++notify.last_wd;
		DL_APPEND(notify.marks, mark);
		inode->mark = mark;
	}
	mark->mask = mask & IN_ALL_EVENTS;
	return mark->wd;
}

int notify_remove(int fd, int wd)
{
	struct mark *mark;
	if (fd != notify.fd)
		return -EBADF;
	DL_FOREACH(notify.marks, mark)
	{
		if (mark->wd != wd)
			continue;
		end_mark(mark);
		queue(wd, IN_IGNORED, 0, "");
		return 0;
	}
	return -EINVAL;
}

size_t notify_count(void)
{
	size_t count = 0;
	struct mark *mark;
	DL_COUNT(notify.marks, mark, count);
	return count;
}

bool notify_is_marked(const struct inode *inode)
{
	return inode->mark != NULL;
}

uint64_t notify_lost(void)
{
	return notify.lost;
}

/* --- reading ---------------------------------------------------------------------------------- */

static size_t name_bytes(const struct record *record)
{
	size_t len = strlen(record->name), unit = sizeof(struct inotify_event);
	return len ? (len + unit) / unit * unit : 0;
}

bool sim_notify_is_readable(int fd)
{
	return fd == notify.fd && notify.queue;
}

size_t notify_bytes(int fd)
{
	size_t bytes = 0;
	struct record *record;
	if (fd == notify.fd)
		DL_FOREACH(notify.queue, record)
	bytes += sizeof(struct inotify_event) + name_bytes(record);
	return bytes;
}

ssize_t notify_read(int fd, void *out, size_t room)
{
	uint8_t *to = out;
	size_t used = 0;
	if (fd != notify.fd)
		return -EBADF;
	if (!notify.queue)
		return -EAGAIN;
	while (notify.queue) {
		struct record *record = notify.queue;
		struct inotify_event head = {
		        .wd = record->wd,
		        .mask = record->mask,
		        .cookie = record->cookie,
		        .len = (uint32_t)name_bytes(record),
		};
		if (used + sizeof head + head.len > room)
			break;
		memcpy(to + used, &head, sizeof head);
		memset(to + used + sizeof head, 0, head.len);
		memcpy(to + used + sizeof head, record->name, head.len ? strlen(record->name) : 0);
		used += sizeof head + head.len;
		if (record->mask & IN_Q_OVERFLOW)
			notify.has_overflow = false;
		DL_DELETE(notify.queue, record);
		notify.queued--;
	}
	return used ? (ssize_t)used : -EINVAL;
}
