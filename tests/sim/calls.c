#include "tests/sim/calls_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statfs.h>

#include "tests/sim/notify.h"
#include "tests/sim/sim.h"
#include "tests/sim/task.h"

#define FD_FIRST 100000
#define FDS      256
#define EXT4     0xef53

static struct open_file file[FDS];

void calls_begin(void)
{
	memset(file, 0, sizeof file);
}

size_t calls_open_count(void)
{
	size_t count = 0;
	for (size_t i = 0; i < FDS; i++)
		count += file[i].is_open;
	return count;
}

struct open_file *calls_file(int fd)
{
	size_t index = (size_t)fd - FD_FIRST;
	return fd >= FD_FIRST && index < FDS && file[index].is_open ? &file[index] : NULL;
}

int calls_new_fd(void)
{
	for (int i = 0; i < FDS; i++) {
		if (file[i].is_open)
			continue;
		file[i] = (struct open_file){.is_open = true};
		return FD_FIRST + i;
	}
	return -EMFILE;
}

int calls_answer(int rc)
{
	if (rc >= 0)
		return rc;
	errno = -rc;
	return -1;
}

int calls_enter(void)
{
	task_may_yield();
	return SIM.is_dying ? -EIO : 0;
}

int calls_look(int at, const char *path, bool follows, struct inode **out)
{
	struct inode *from = NULL;
	int rc = calls_enter();
	if (rc < 0)
		return rc;
	if (*path != '/' && at != AT_FDCWD) {
		const struct open_file *dir = calls_file(at);
		if (!dir || !dir->inode)
			return -EBADF;
		from = dir->inode;
	}
	return disk_inode(from, path, follows, out);
}

/* --- open and close --------------------------------------------------------------------------- */

static int do_open(int at, const char *path, int flags)
{
	struct inode *inode;
	if ((flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC))
		return calls_answer(-EROFS);
	int rc = calls_look(at, path, !(flags & O_NOFOLLOW), &inode);
	if (rc < 0)
		return calls_answer(rc);
	if (S_ISLNK(inode->mode) && !(flags & O_PATH))
		return calls_answer(flags & O_DIRECTORY ? -ENOTDIR : -ELOOP);
	if (flags & O_DIRECTORY && !is_dir(inode))
		return calls_answer(-ENOTDIR);
	if (S_ISSOCK(inode->mode) && !(flags & O_PATH))
		return calls_answer(-ENXIO);
	int fd = calls_new_fd();
	if (fd < 0)
		return calls_answer(fd);
	calls_file(fd)->inode = inode;
	disk_hold(inode);
	return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
	return do_open(AT_FDCWD, path, flags);
}

int __wrap_open64(const char *path, int flags, ...)
{
	return do_open(AT_FDCWD, path, flags);
}

int __wrap_openat(int at, const char *path, int flags, ...)
{
	return do_open(at, path, flags);
}

int __wrap_openat64(int at, const char *path, int flags, ...)
{
	return do_open(at, path, flags);
}

int __wrap___open_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags);
}

int __wrap___open64_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags);
}

int __wrap___openat_2(int at, const char *path, int flags)
{
	return do_open(at, path, flags);
}

int __wrap___openat64_2(int at, const char *path, int flags)
{
	return do_open(at, path, flags);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	(void)path;
	(void)mode;
	errno = ENOENT;
	return NULL;
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	return __wrap_fopen(path, mode);
}

int __wrap_close(int fd)
{
	struct open_file *open_file = calls_file(fd);
	if (!open_file) {
		sim_fault(NULL, "close of descriptor %d, which is not open", fd);
		return calls_answer(-EBADF);
	}
	if (open_file->is_notify)
		notify_close(fd);
	else
		disk_let_go(open_file->inode);
	open_file->is_open = false;
	return 0;
}

/* --- looking ---------------------------------------------------------------------------------- */

static int do_stat(int at, const char *path, bool follows, struct stat *out)
{
	struct inode *inode;
	int rc = calls_look(at, path, follows, &inode);
	if (rc == 0)
		disk_stat(inode, out);
	return calls_answer(rc);
}

int __wrap_lstat(const char *path, struct stat *out)
{
	return do_stat(AT_FDCWD, path, false, out);
}

int __wrap_lstat64(const char *path, struct stat *out)
{
	return do_stat(AT_FDCWD, path, false, out);
}

int __wrap_stat(const char *path, struct stat *out)
{
	return do_stat(AT_FDCWD, path, true, out);
}

int __wrap_stat64(const char *path, struct stat *out)
{
	return do_stat(AT_FDCWD, path, true, out);
}

static int do_fstat(int fd, struct stat *out)
{
	const struct open_file *open_file = calls_file(fd);
	int rc = calls_enter();
	if (rc == 0 && (!open_file || !open_file->inode))
		rc = -EBADF;
	if (rc == 0)
		disk_stat(open_file->inode, out);
	return calls_answer(rc);
}

int __wrap_fstat(int fd, struct stat *out)
{
	return do_fstat(fd, out);
}

int __wrap_fstat64(int fd, struct stat *out)
{
	return do_fstat(fd, out);
}

static int do_fstatat(int at, const char *path, struct stat *out, int flags)
{
	if (*path == '\0' && flags & AT_EMPTY_PATH)
		return do_fstat(at, out);
	return do_stat(at, path, !(flags & AT_SYMLINK_NOFOLLOW), out);
}

int __wrap_fstatat(int at, const char *path, struct stat *out, int flags)
{
	return do_fstatat(at, path, out, flags);
}

int __wrap_fstatat64(int at, const char *path, struct stat *out, int flags)
{
	return do_fstatat(at, path, out, flags);
}

ssize_t __wrap_readlinkat(int at, const char *path, char *out, size_t room)
{
	struct inode *inode;
	int rc = calls_look(at, path, false, &inode);
	if (rc == 0 && !S_ISLNK(inode->mode))
		rc = -EINVAL;
	if (rc < 0)
		return calls_answer(rc);
	size_t len = strlen(inode->target) < room ? strlen(inode->target) : room;
	memcpy(out, inode->target, len);
	return (ssize_t)len;
}

static ssize_t path_of_fd(int fd, char *out, size_t room)
{
	const struct open_file *open_file = calls_file(fd);
	char path[PATH_MAX];
	int rc = calls_enter();
	if (rc == 0 && (!open_file || !open_file->inode || !is_dir(open_file->inode)))
		rc = -ENOENT;
	if (rc < 0)
		return calls_answer(rc);
	if (!disk_path(open_file->inode, path, sizeof path))
		snprintf(path, sizeof path, "/gone (deleted)");
	size_t len = strlen(path) < room ? strlen(path) : room;
	memcpy(out, path, len);
	return (ssize_t)len;
}

ssize_t __wrap_readlink(const char *path, char *out, size_t room)
{
	int fd;
	if (sscanf(path, "/proc/self/fd/%d", &fd) == 1)
		return path_of_fd(fd, out, room);
	return __wrap_readlinkat(AT_FDCWD, path, out, room);
}

ssize_t __wrap___readlink_chk(const char *path, char *out, size_t room, size_t size)
{
	(void)size;
	return __wrap_readlink(path, out, room);
}

ssize_t __wrap___readlinkat_chk(int at, const char *path, char *out, size_t room, size_t size)
{
	(void)size;
	return __wrap_readlinkat(at, path, out, room);
}

char *__wrap_realpath(const char *path, char *out)
{
	struct found found;
	int rc = calls_enter();
	if (rc == 0)
		rc = disk_find(NULL, path, true, &found);
	if (rc == 0 && !found.inode)
		rc = -ENOENT;
	if (rc < 0) {
		errno = -rc;
		return NULL;
	}
	if (is_dir(found.inode)) {
		disk_path(found.inode, out, PATH_MAX);
		return out;
	}
	disk_path(found.parent, out, PATH_MAX);
	size_t len = strcmp(out, "/") == 0 ? 0 : strlen(out);
	snprintf(out + len, PATH_MAX - len, "/%s", found.name);
	return out;
}

char *__wrap___realpath_chk(const char *path, char *out, size_t size)
{
	(void)size;
	return __wrap_realpath(path, out);
}

static int do_statfs(const char *path, struct statfs *out)
{
	struct inode *inode;
	int rc = calls_look(AT_FDCWD, path, true, &inode);
	if (rc == 0)
		*out = (struct statfs){.f_type = EXT4};
	return calls_answer(rc);
}

int __wrap_statfs(const char *path, struct statfs *out)
{
	return do_statfs(path, out);
}

int __wrap_statfs64(const char *path, struct statfs *out)
{
	return do_statfs(path, out);
}
