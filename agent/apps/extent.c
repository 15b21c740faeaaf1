#include "agent/apps/extent.h"

#include <errno.h>
#include <unistd.h>

struct extent extent_of_file(const struct app_file *file)
{
	uint64_t size = file->stat->st_size > 0 ? (uint64_t)file->stat->st_size : 0;
	return (struct extent){.fd = file->fd, .size = size};
}

struct extent extent_of_memory(struct slice bytes)
{
	return (struct extent){
	        .memory = bytes.ptr ? bytes.ptr : (const uint8_t *)"", .fd = -1, .size = bytes.len};
}

static int check(const struct extent *extent, uint64_t at, uint64_t len, struct reason *out_why)
{
	if (at <= extent->size && len <= extent->size - at)
		return 0;
	return fail(out_why, ERR_FORMAT, "something lies beyond its end");
}

int extent_read(
        const struct extent *extent, uint64_t at, void *out, size_t len, struct reason *out_why)
{
	size_t done = 0;
	int rc = check(extent, at, len, out_why);
	if (rc < 0 || len == 0)
		return rc;
	if (extent->memory) {
		memcpy(out, extent->memory + at, len);
		return 0;
	}
	while (done < len) {
		ssize_t got = pread(extent->fd, (uint8_t *)out + done, len - done,
		        (off_t)(extent->offset + at + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(out_why, -errno, "cannot read: %s", err_text(-errno));
		if (got == 0)
			return fail(out_why, ERR_FORMAT, "it became shorter while it was read");
		done += (size_t)got;
	}
	return 0;
}

int extent_append(const struct extent *extent, uint64_t at, size_t len, struct buf *out,
        struct reason *out_why)
{
	int rc = check(extent, at, len, out_why); /* before there is memory for it */
	if (rc == 0)
		rc = extent_read(extent, at, buf_reserve(out, len), len, out_why);
	if (rc == 0)
		out->len += len;
	return rc;
}

int extent_cut(const struct extent *extent, uint64_t at, uint64_t len, struct extent *out,
        struct reason *out_why)
{
	int rc = check(extent, at, len, out_why);
	if (rc < 0)
		return rc;
	struct extent part = *extent;
	if (part.memory)
		part.memory += at;
	else
		part.offset += at;
	part.size = len;
	*out = part;
	return 0;
}
