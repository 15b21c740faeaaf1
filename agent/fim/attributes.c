#include "agent/fim/attributes.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/model/xattrs.h"

#define LIST_BYTES 1024 /* tried first; the kernel's limits are XATTR_LIST_MAX and XATTR_SIZE_MAX */
#define NAMES_MAX  256  /* more are left out: the first in byte order are kept */

struct attributes {
	struct buf packed;
	uint8_t *large; /* XATTR_SIZE_MAX bytes for a value, once one needed it */
};

/* What is asked about. */
struct subject {
	int fd; /* -1: by path */
	const char *path;
};

struct attributes *attributes_new(void)
{
	return mem_new(sizeof(struct attributes));
}

void attributes_free(struct attributes *attributes)
{
	if (!attributes)
		return;
	buf_fini(&attributes->packed);
	free(attributes->large);
	free(attributes);
}

/* --- extended attributes ---------------------------------------------------------------------- */

static ssize_t list_names(const struct subject *subject, char *out, size_t room)
{
	return subject->fd >= 0 ? flistxattr(subject->fd, out, room)
	                        : llistxattr(subject->path, out, room);
}

static ssize_t get_value(const struct subject *subject, const char *name, void *out, size_t room)
{
	return subject->fd >= 0 ? fgetxattr(subject->fd, name, out, room)
	                        : lgetxattr(subject->path, name, out, room);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void pack_one(struct attributes *attributes, const struct subject *subject, const char *name)
{
	uint8_t small[XATTR_VALUE_MAX];
	const uint8_t *value = small;
	ssize_t len = get_value(subject, name, small, sizeof small);
	if (len < 0 && errno == ERANGE) {
		if (!attributes->large)
			attributes->large = mem_new(XATTR_SIZE_MAX);
		value = attributes->large;
		len = get_value(subject, name, attributes->large, XATTR_SIZE_MAX);
	}
	if (len >= 0)
		xattrs_append(&attributes->packed, slice_text(name), slice_of(value, (size_t)len));
}

static void pack_names(
        struct attributes *attributes, const struct subject *subject, char *list, size_t len)
{
	const char *name[NAMES_MAX] = {0};
	size_t count = 0;
	for (size_t at = 0; at < len && count < NAMES_MAX; at += strlen(list + at) + 1)
		name[count++] = list + at;
	qsort(name, count, sizeof(name[0]), by_bytes);
	for (size_t i = 0; i < count; i++)
		pack_one(attributes, subject, name[i]);
}

/* 0, or negative errno when nobody can tell which there are. */
static int pack_all(struct attributes *attributes, const struct subject *subject)
{
	char small[LIST_BYTES + 1];
	ssize_t len = list_names(subject, small, LIST_BYTES);
	buf_reset(&attributes->packed);
	if (len == 0 || (len < 0 && (errno == ENOTSUP || errno == ENOSYS)))
		return 0;
	if (len > 0) {
		small[len] = '\0';
		pack_names(attributes, subject, small, (size_t)len);
		return 0;
	}
	if (errno != ERANGE)
		return -errno;
	char *large = mem_new(XATTR_LIST_MAX + 1);
	len = list_names(subject, large, XATTR_LIST_MAX);
	int rc = len < 0 ? -errno : 0;
	if (len > 0)
		pack_names(attributes, subject, large, (size_t)len);
	free(large);
	return rc;
}

/* --- both ------------------------------------------------------------------------------------- */

static uint32_t flags_of(int fd)
{
	int flags = 0;
	return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 ? (uint32_t)flags & FILE_FLAGS_MASK : 0;
}

static int read_subject(struct attributes *attributes, const struct subject *subject,
        struct arena *arena, struct filestate *state)
{
	state->has_attributes = pack_all(attributes, subject) == 0;
	if (!state->has_attributes)
		return 0;
	state->flags = subject->fd >= 0 ? flags_of(subject->fd) : 0;
	if (attributes->packed.len == 0)
		return 0;
	state->xattrs = arena_copy(arena, buf_slice(&attributes->packed));
	return state->xattrs.ptr ? 0 : ERR_LIMIT;
}

int attributes_read(
        struct attributes *attributes, int fd, struct arena *arena, struct filestate *state)
{
	struct subject subject = {.fd = fd};
	return read_subject(attributes, &subject, arena, state);
}

int attributes_read_path(struct attributes *attributes, const char *path, struct arena *arena,
        struct filestate *state)
{
	struct subject subject = {.fd = -1, .path = path};
	return read_subject(attributes, &subject, arena, state);
}
