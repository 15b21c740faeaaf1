#include "agent/rpmdb/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int whole_open(const char *path, struct whole *out, struct reason *out_why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	*out = (struct whole){.path = path, .fd = fd};
	if (fd < 0)
		return fail(out_why, -errno, "cannot open '%s': %s", path, err_text(-errno));
	if (fstat(fd, &out->seen) == 0 && S_ISREG(out->seen.st_mode))
		return 0;
	whole_close(out);
	return fail(out_why, ERR_FORMAT, "'%s' is no regular file", path);
}

void whole_close(struct whole *whole)
{
	if (whole->fd >= 0)
		close(whole->fd);
	whole->fd = -1;
}

bool whole_read(const struct whole *whole, void *out, size_t len, uint64_t offset)
{
	uint8_t *to = out;
	while (len > 0) {
		ssize_t got = pread(whole->fd, to, len, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		len -= (size_t)got;
		offset += (uint64_t)got;
	}
	return true;
}

bool whole_append(const struct whole *whole, struct buf *out, size_t len, uint64_t offset)
{
	/* No memory for what is not there. */
	uint64_t size = (uint64_t)whole->seen.st_size;
	if (offset > size || len > size - offset)
		return false;
	if (!whole_read(whole, buf_reserve(out, len), len, offset))
		return false;
	out->len += len;
	return true;
}

int whole_check(const struct whole *whole, struct reason *out_why)
{
	struct stat now;
	bool is_same = fstat(whole->fd, &now) == 0 && now.st_size == whole->seen.st_size &&
	               now.st_mtim.tv_sec == whole->seen.st_mtim.tv_sec &&
	               now.st_mtim.tv_nsec == whole->seen.st_mtim.tv_nsec;
	return is_same ? 0 : fail(out_why, ERR_BUSY, "'%s' was written to meanwhile", whole->path);
}
