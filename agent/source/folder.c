#include "agent/source/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/source/root.h"
#include "common/base/text.h"

#define READ_LEAST_BYTES 4096

static int say(const struct folder *folder, const char *action, const char *name, int code,
        struct reason *out_why)
{
	struct buf shown = BUF_INIT;
	text_append_display(&shown, slice_text(name));
	fail(out_why, code, "cannot %s '%s/%s': %s", action, folder->path, buf_text(&shown),
	        err_text(code));
	buf_fini(&shown);
	return code;
}

int folder_open(const char *root, const char *path, struct folder *out, struct reason *out_why)
{
	struct buf full = BUF_INIT;
	*out = (struct folder){.dir = opendir(root_path(root, path, &full)), .path = path};
	int rc = out->dir ? 0 : -errno;
	buf_fini(&full);
	if (rc == -ENOENT || rc == -ENOTDIR)
		return fail(out_why, ERR_MISSING, "there is no directory '%s'", path);
	return rc < 0 ? fail(out_why, rc, "cannot list '%s': %s", path, err_text(rc)) : 0;
}

int folder_next(struct folder *folder, const char **out_name, struct reason *out_why)
{
	const struct dirent *entry = NULL;
	do {
		errno = 0;
		entry = readdir(folder->dir);
	} while (entry && entry->d_name[0] == '.');
	if (!entry && errno)
		return fail(
		        out_why, -errno, "cannot list '%s': %s", folder->path, err_text(-errno));
	if (!entry)
		return 0;
	if (++folder->names > FOLDER_NAMES_MAX)
		return fail(out_why, ERR_LIMIT, "cannot list '%s': more than %u names",
		        folder->path, FOLDER_NAMES_MAX);
	*out_name = entry->d_name;
	return 1;
}

/* What the file was said to have is read at once, and whether it has grown is asked for. */
static int read_to_end(int fd, size_t limit_bytes, size_t expected, struct buf *out)
{
	size_t want = expected + 1 > READ_LEAST_BYTES ? expected + 1 : READ_LEAST_BYTES;
	for (;;) {
		ssize_t got = read(fd, buf_reserve(out, want), want);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		out->len += (size_t)got;
		if (out->len > limit_bytes)
			return ERR_LIMIT;
		want = READ_LEAST_BYTES;
	}
}

int folder_read(const struct folder *folder, const char *name, size_t limit_bytes, struct buf *out,
        struct reason *out_why)
{
	struct stat found;
	int rc = 0;
	buf_reset(out);
	int fd = openat(dirfd(folder->dir), name,
	        O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return say(folder, "read", name, errno == ENOENT ? ERR_MISSING : -errno, out_why);
	if (fstat(fd, &found) != 0)
		rc = -errno;
	else if (!S_ISREG(found.st_mode))
		rc = -EINVAL;
	else if ((uint64_t)found.st_size > limit_bytes)
		rc = ERR_LIMIT;
	else
		rc = read_to_end(fd, limit_bytes, (size_t)found.st_size, out);
	close(fd);
	return rc < 0 ? say(folder, "read", name, rc, out_why) : 0;
}

int folder_mtime(const struct folder *folder, const char *name, int64_t *out_s)
{
	struct stat found;
	if (fstatat(dirfd(folder->dir), name, &found, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? ERR_MISSING : -errno;
	*out_s = found.st_mtim.tv_sec;
	return 0;
}

void folder_close(struct folder *folder)
{
	if (folder->dir)
		closedir(folder->dir);
	folder->dir = NULL;
}

bool folder_stem(const char *name, const char *ending, struct slice *out_stem)
{
	size_t len = strlen(name), tail = strlen(ending);
	if (len <= tail || strcmp(name + len - tail, ending) != 0)
		return false;
	*out_stem = slice_of(name, len - tail);
	return true;
}
