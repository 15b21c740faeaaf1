#include "agent/source/hostfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/source/root.h"
#include "common/base/text.h"

#define LINKS_MAX       40 /* as the kernel: path_resolution(7) */
#define VALUE_BYTES_MAX 4096

/* --- paths ------------------------------------------------------------------------------------ */

/* Takes the first name of a path; false at its end. */
static bool take_name(struct slice *path, struct slice *out)
{
	while (path->len > 0 && path->ptr[0] == '/') {
		path->ptr++;
		path->len--;
	}
	if (path->len == 0)
		return false;
	if (!text_split(*path, '/', out, path)) {
		*out = *path;
		*path = (struct slice){0};
	}
	return true;
}

static void drop_last_name(struct buf *path, size_t root_len)
{
	while (path->len > root_len && path->data[path->len - 1] != '/')
		path->len--;
	if (path->len > root_len)
		path->len--;
}

/* One more name behind `path`. When that is a link, what it says goes before the rest instead. */
static int go_on(struct buf *path, size_t root_len, struct slice name, struct slice *rest,
        struct buf *pending, bool follow)
{
	char target[PATH_MAX];
	size_t before = path->len;
	if (slice_is(name, "."))
		return 0;
	if (slice_is(name, "..")) {
		drop_last_name(path, root_len);
		return 0;
	}
	buf_append_byte(path, '/');
	buf_append_slice(path, name);
	ssize_t len = follow ? readlink(buf_text(path), target, sizeof(target)) : -1;
	if (len < 0)
		return 0;
	path->len = len > 0 && target[0] == '/' ? root_len : before;
	struct buf next = BUF_INIT;
	buf_append(&next, target, (size_t)len);
	buf_append_byte(&next, '/');
	buf_append_slice(&next, *rest);
	buf_fini(pending);
	*pending = next;
	*rest = buf_slice(pending);
	return 1;
}

/* Writes the path without links below `root` over `out`. For the host itself the kernel does it. */
static int resolve(const char *root, const char *path, bool follow_last, struct buf *out)
{
	buf_reset(out);
	if (root_is_host(root)) {
		buf_append_text(out, path);
		return 0;
	}
	struct buf pending = BUF_INIT;
	struct slice rest = slice_text(path), name;
	size_t root_len = strlen(root);
	int links = 0;
	buf_append_text(out, root);
	while (links <= LINKS_MAX && take_name(&rest, &name))
		links += go_on(out, root_len, name, &rest, &pending, follow_last || rest.len > 0);
	buf_fini(&pending);
	return links > LINKS_MAX ? -ELOOP : 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int open_below(const char *root, const char *path, int flags)
{
	struct buf full = BUF_INIT;
	int fd = resolve(root, path, true, &full);
	if (fd == 0)
		fd = open(buf_text(&full), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
	if (fd == -1)
		fd = -errno;
	buf_fini(&full);
	return fd;
}

static int read_most(int fd, size_t most_bytes, struct buf *out)
{
	while (out->len < most_bytes) {
		size_t step = most_bytes - out->len < 16384 ? most_bytes - out->len : 16384;
		ssize_t got = read(fd, buf_reserve(out, step), step);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		out->len += (size_t)got;
	}
	return 0;
}

int hostfile_read_bytes(const char *root, const char *path, size_t most_bytes, struct buf *out)
{
	struct stat info;
	buf_reset(out);
	int fd = open_below(root, path, 0);
	if (fd < 0)
		return fd;
	int rc = fstat(fd, &info) < 0 ? -errno : S_ISREG(info.st_mode) ? 0 : -EINVAL;
	if (rc == 0)
		rc = read_most(fd, most_bytes, out);
	close(fd);
	if (rc < 0)
		buf_reset(out);
	return rc;
}

int hostfile_read(const char *root, const char *path, size_t most_bytes, struct buf *out)
{
	int rc = hostfile_read_bytes(root, path, most_bytes, out);
	bool is_cut = out->len == most_bytes;
	while (is_cut && out->len > 0 && out->data[out->len - 1] != '\n')
		out->len--;
	return rc;
}

struct slice hostfile_value(const char *root, const char *path, struct buf *out)
{
	if (hostfile_read(root, path, VALUE_BYTES_MAX, out) < 0)
		return (struct slice){0};
	return text_trim(buf_slice(out));
}

int hostfile_link(const char *root, const char *path, struct buf *out)
{
	char target[PATH_MAX];
	struct buf full = BUF_INIT;
	int rc = resolve(root, path, false, &full);
	ssize_t len = rc == 0 ? readlink(buf_text(&full), target, sizeof(target)) : rc;
	if (rc == 0 && len < 0)
		rc = -errno;
	buf_fini(&full);
	buf_reset(out);
	if (rc == 0)
		buf_append(out, target, (size_t)len);
	return rc;
}

int hostfile_stat(const char *root, const char *path, struct stat *out)
{
	struct buf full = BUF_INIT;
	int rc = resolve(root, path, true, &full);
	if (rc == 0 && stat(buf_text(&full), out) < 0)
		rc = -errno;
	buf_fini(&full);
	return rc;
}

/* --- directories ------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	return strcmp(*left, *right);
}

static int add_name(struct host_names *names, size_t *room, const char *name, struct arena *arena)
{
	if (names->count == *room) {
		size_t more = *room ? *room * 2 : 64;
		const char **grown = arena_alloc(arena, more * sizeof(*grown));
		if (!grown)
			return ERR_LIMIT;
		if (names->count > 0)
			memcpy(grown, names->name, names->count * sizeof(*grown));
		names->name = grown;
		*room = more;
	}
	const char *copy = arena_text(arena, slice_text(name));
	if (!copy)
		return ERR_LIMIT;
	names->name[names->count++] = copy;
	return 0;
}

int hostfile_list(const char *root, const char *dir, struct arena *arena, struct host_names *out)
{
	const struct dirent *entry = NULL;
	size_t room = 0;
	int rc = 0;
	*out = (struct host_names){0};
	int fd = open_below(root, dir, O_DIRECTORY);
	if (fd < 0)
		return fd;
	DIR *stream = fdopendir(fd);
	if (!stream) {
		rc = -errno;
		close(fd);
		return rc;
	}
	while (rc == 0 && out->count < HOSTFILE_NAMES_MAX && (entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = add_name(out, &room, entry->d_name, arena);
	closedir(stream);
	if (out->count > 0)
		qsort(out->name, out->count, sizeof(*out->name), by_text);
	return rc;
}

/* --- complaints ------------------------------------------------------------------------------- */

bool hostfile_is_complaint(int rc)
{
	if (rc >= 0 || rc == -ENOENT || rc == -ENOTDIR)
		return false;
	return geteuid() == 0 || (rc != -EACCES && rc != -EPERM);
}

int hostfile_complain(int rc, const char *path, struct reason *out_why)
{
	struct buf shown = BUF_INIT;
	text_append_display(&shown, slice_text(path));
	fail(out_why, rc, "cannot read '%s': %s", buf_text(&shown), err_text(rc));
	buf_fini(&shown);
	return rc;
}

int hostfile_note(int rc, const char *path, bool *is_partial, struct reason *out_why)
{
	if (rc == ERR_LIMIT)
		return rc;
	if (hostfile_is_complaint(rc)) {
		hostfile_complain(rc, path, out_why);
		*is_partial = true;
	}
	return 0;
}
