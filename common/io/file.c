#include "common/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define READ_LEAST_BYTES 4096 /* then as much again as there is */
#define READ_STEP_BYTES  (16u << 10)

/* "cannot <action> '<path, safe to show>': <why>" */
static int fail_path(struct reason *out_why, int code, const char *action, const char *path)
{
	struct buf shown = BUF_INIT;

	text_append_display(&shown, slice_text(path));
	fail(out_why, code, "cannot %s '%s': %s", action, buf_text(&shown), err_text(code));
	buf_fini(&shown);
	return code;
}

/* --- reading ------------------------------------------------------------------------------- */

/* One byte more than the limit is asked for, so that a file which has it is noticed; the size that
 * stat(2) tells is not trusted (0 in /proc, and a file may grow meanwhile). */
static int read_to_end(int fd, size_t limit_bytes, struct buf *out)
{
	size_t done = 0;

	for (;;) {
		size_t want = limit_bytes - done;
		size_t step = done < READ_LEAST_BYTES ? READ_LEAST_BYTES : done;

		step = step < READ_STEP_BYTES ? step : READ_STEP_BYTES;
		want = want < step ? want + 1 : step;
		ssize_t got = read(fd, buf_reserve(out, want), want);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		done += (size_t)got;
		if (done > limit_bytes)
			return ERR_LIMIT;
		out->len += (size_t)got;
	}
}

int file_read(const char *path, size_t limit_bytes, struct buf *out, struct reason *out_why)
{
	size_t before = out->len;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fail_path(out_why, -errno, "open", path);
	int code = read_to_end(fd, limit_bytes, out);
	close(fd);
	if (code == 0)
		return 0;
	out->len = before;
	if (code != ERR_LIMIT)
		return fail_path(out_why, code, "read", path);
	struct buf shown = BUF_INIT;
	text_append_display(&shown, slice_text(path));
	fail(out_why, code, "cannot read '%s': it has more than %zu bytes", buf_text(&shown),
	        limit_bytes);
	buf_fini(&shown);
	return code;
}

/* --- writing ------------------------------------------------------------------------------- */

static int write_all(int fd, struct slice content)
{
	while (content.len > 0) {
		ssize_t put = write(fd, content.ptr, content.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		content.ptr += put;
		content.len -= (size_t)put;
	}
	return 0;
}

/* The mode comes before the content: a secret is at no moment readable by more than it should. */
static int fill(int fd, struct slice content, mode_t mode)
{
	if (fchmod(fd, mode) < 0)
		return -errno;
	int code = write_all(fd, content);
	if (code < 0)
		return code;
	return fsync(fd) < 0 ? -errno : 0;
}

/* Only then does the new name survive a power cut; file systems that cannot say EINVAL. */
static int sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash ? mem_copy_text(path, slash == path ? 1 : (size_t)(slash - path))
	                     : mem_copy_text(".", 1);
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = fd < 0 ? -errno : 0;

	if (fd >= 0 && fsync(fd) < 0 && errno != EINVAL)
		code = -errno;
	if (fd >= 0)
		close(fd);
	free(parent);
	return code;
}

int file_write(const char *path, struct slice content, mode_t mode, struct reason *out_why)
{
	struct buf temporary = BUF_INIT;

	buf_printf(&temporary, "%s.XXXXXX", path);
	buf_text(&temporary);
	char *name = (char *)temporary.data;
	int fd = mkostemp(name, O_CLOEXEC);
	int code = fd < 0 ? -errno : 0;
	if (fd < 0)
		goto done;

	code = fill(fd, content, mode);
	if (close(fd) < 0 && code == 0)
		code = -errno;
	if (code == 0 && rename(name, path) < 0)
		code = -errno;
	if (code < 0)
		unlink(name);
	else
		code = sync_parent(path);
done:
	buf_fini(&temporary);
	return code < 0 ? fail_path(out_why, code, "write", path) : 0;
}

/* --- directories and locks ----------------------------------------------------------------- */

static int make_one(const char *path, mode_t mode)
{
	struct stat stat_now;

	if (mkdir(path, mode) == 0)
		return 1;
	int code = -errno;
	if (stat(path, &stat_now) == 0)
		return S_ISDIR(stat_now.st_mode) ? 0 : -ENOTDIR;
	return code;
}

int file_make_dir(const char *path, mode_t mode, struct reason *out_why)
{
	char *part = mem_copy_text(path, strlen(path));
	int code = 0;

	for (char *at = part + 1; *part && *at && code >= 0; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		code = make_one(part, 0755);
		*at = '/';
	}
	if (code >= 0)
		code = make_one(path, mode);
	/* The umask must not decide who may look into a state directory. */
	if (code > 0 && chmod(path, mode) < 0)
		code = -errno;
	free(part);
	return code < 0 ? fail_path(out_why, code, "make directory", path) : 0;
}

/* Locks of the open file description: a child has them too, and who has one can be asked. */
static struct flock whole_file(void)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

int file_lock(const char *path, int *out_fd, struct reason *out_why)
{
	struct flock lock = whole_file();
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail_path(out_why, -errno, "open lock", path);
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		int code = errno == EAGAIN || errno == EACCES ? ERR_BUSY : -errno;

		close(fd);
		return fail_path(out_why, code, "lock", path);
	}
	*out_fd = fd;
	return 0;
}

bool file_is_locked(const char *path)
{
	struct flock lock = whole_file();
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool is_locked = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return is_locked;
}
