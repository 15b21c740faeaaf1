#include "agent/packages/dpkg_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct log {
	int fd; /* -1: there is none */
	uint64_t inode;
	uint64_t size;
};

static int open_log(const char *root, const char *name, struct log *out, struct reason *out_why)
{
	char path[PATH_MAX];
	struct stat found;
	*out = (struct log){.fd = -1};
	snprintf(path, sizeof(path), "%s%s", root, name);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail(out_why, -errno, "cannot open '%s': %s", path, err_text(-errno));
	if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
		close(fd);
		return fail(out_why, ERR_FORMAT, "cannot read '%s': no regular file", path);
	}
	*out = (struct log){.fd = fd, .inode = found.st_ino, .size = (uint64_t)found.st_size};
	return 0;
}

static int read_range(const struct log *log, uint64_t from, uint64_t to, struct buf *out)
{
	while (from < to) {
		size_t most = to - from < 65536 ? (size_t)(to - from) : 65536;
		ssize_t got = pread(log->fd, buf_reserve(out, most), most, (off_t)from);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		out->len += (size_t)got;
		from += (uint64_t)got;
	}
	return 0;
}

static int digest_tail(const struct log *log, uint64_t offset, uint8_t out[SHA256_BYTES])
{
	struct buf tail = BUF_INIT;
	uint64_t from = offset > MARK_TAIL_BYTES ? offset - MARK_TAIL_BYTES : 0;
	int rc = log->fd >= 0 ? read_range(log, from, offset, &tail) : 0;
	digest_of(buf_slice(&tail), out);
	buf_fini(&tail);
	return rc;
}

/* Whether the bytes before the mark stand in this file. */
static bool is_continued(const struct log *log, const struct mark *mark)
{
	uint8_t tail[SHA256_BYTES];
	if (mark->offset == 0)
		return true;
	return log->fd >= 0 && log->size >= mark->offset &&
	       digest_tail(log, mark->offset, tail) == 0 &&
	       memcmp(tail, mark->tail, sizeof(tail)) == 0;
}

static int take(const struct log *log, uint64_t from, struct buf *out)
{
	if (log->fd < 0)
		return 0;
	if (log->size - from > LOG_BYTES_MAX)
		from = log->size - LOG_BYTES_MAX;
	return read_range(log, from, log->size, out);
}

/* The last line may be only half written: it is left for the next time. */
static void cut_torn_line(struct log_reading *out, uint64_t *end)
{
	const uint8_t *last = out->added.len ? memrchr(out->added.data, '\n', out->added.len)
	                                     : NULL;
	size_t whole = last ? (size_t)(last + 1 - out->added.data) : 0;
	uint64_t torn = out->added.len - whole;
	*end -= torn <= *end ? torn : *end;
	out->added.len = whole;
}

static int read_logs(const struct log *now, const struct log *rotated, const struct mark *mark,
        struct log_reading *out)
{
	uint64_t end = now->size;
	int rc = 0;
	if (!mark) {
		end = now->size;
	} else if (is_continued(now, mark)) {
		rc = take(now, mark->offset, &out->added);
	} else {
		out->is_broken = !is_continued(rotated, mark);
		rc = take(rotated, out->is_broken ? 0 : mark->offset, &out->added);
		if (rc == 0)
			rc = take(now, 0, &out->added);
	}
	if (mark)
		cut_torn_line(out, &end);
	out->end = (struct mark){.inode = now->inode, .offset = end};
	return rc < 0 ? rc : digest_tail(now, end, out->end.tail);
}

int dpkg_log_read(
        const char *root, const struct mark *mark, struct log_reading *out, struct reason *out_why)
{
	struct log now = {.fd = -1}, rotated = {.fd = -1};
	*out = (struct log_reading){0};
	int rc = open_log(root, DPKG_LOG, &now, out_why);
	if (rc == 0)
		rc = open_log(root, DPKG_LOG ".1", &rotated, out_why);
	if (rc == 0) {
		rc = read_logs(&now, &rotated, mark, out);
		if (rc < 0)
			fail(out_why, rc, "cannot read '%s%s': %s", root, DPKG_LOG, err_text(rc));
	}
	if (now.fd >= 0)
		close(now.fd);
	if (rotated.fd >= 0)
		close(rotated.fd);
	return rc;
}
