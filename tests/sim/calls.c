#include "tests/sim/calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <time.h>

#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/err.h"
#include "tests/sim/disk.h"
#include "tests/sim/notify.h"
#include "tests/sim/sim.h"
#include "tests/sim/task.h"

#define FD_FIRST 100000
#define FDS      256
#define EXT4     0xef53

/* Nobody includes a header that declares them. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

static struct open_file {
	bool is_open;
	bool is_notify;
	struct inode *inode;
	uint64_t at;    /* files */
	uint32_t place; /* directories: behind this place, once has_begun */
	bool has_begun;
} file[FDS];

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

static struct open_file *file_of(int fd)
{
	size_t index = (size_t)fd - FD_FIRST;
	return fd >= FD_FIRST && index < FDS && file[index].is_open ? &file[index] : NULL;
}

static int new_fd(void)
{
	for (int i = 0; i < FDS; i++) {
		if (file[i].is_open)
			continue;
		file[i] = (struct open_file){.is_open = true};
		return FD_FIRST + i;
	}
	return -EMFILE;
}

static int answer(int rc)
{
	if (rc >= 0)
		return rc;
	errno = -rc;
	return -1;
}

/* Every call begins with it. */
static int enter(void)
{
	task_may_yield();
	return SIM.is_dying ? -EIO : 0;
}

static int look(int at, const char *path, bool follows, struct inode **out)
{
	struct inode *from = NULL;
	int rc = enter();
	if (rc < 0)
		return rc;
	if (*path != '/' && at != AT_FDCWD) {
		const struct open_file *dir = file_of(at);
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
		return answer(-EROFS);
	int rc = look(at, path, !(flags & O_NOFOLLOW), &inode);
	if (rc < 0)
		return answer(rc);
	if (S_ISLNK(inode->mode) && !(flags & O_PATH))
		return answer(flags & O_DIRECTORY ? -ENOTDIR : -ELOOP);
	if (flags & O_DIRECTORY && !is_dir(inode))
		return answer(-ENOTDIR);
	if (S_ISSOCK(inode->mode) && !(flags & O_PATH))
		return answer(-ENXIO);
	int fd = new_fd();
	if (fd < 0)
		return answer(fd);
	file_of(fd)->inode = inode;
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
	struct open_file *open_file = file_of(fd);
	if (!open_file) {
		sim_fault(NULL, "close of descriptor %d, which is not open", fd);
		return answer(-EBADF);
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
	int rc = look(at, path, follows, &inode);
	if (rc == 0)
		disk_stat(inode, out);
	return answer(rc);
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
	const struct open_file *open_file = file_of(fd);
	int rc = enter();
	if (rc == 0 && (!open_file || !open_file->inode))
		rc = -EBADF;
	if (rc == 0)
		disk_stat(open_file->inode, out);
	return answer(rc);
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
	int rc = look(at, path, false, &inode);
	if (rc == 0 && !S_ISLNK(inode->mode))
		rc = -EINVAL;
	if (rc < 0)
		return answer(rc);
	size_t len = strlen(inode->target) < room ? strlen(inode->target) : room;
	memcpy(out, inode->target, len);
	return (ssize_t)len;
}

static ssize_t path_of_fd(int fd, char *out, size_t room)
{
	const struct open_file *open_file = file_of(fd);
	char path[PATH_MAX];
	int rc = enter();
	if (rc == 0 && (!open_file || !open_file->inode || !is_dir(open_file->inode)))
		rc = -ENOENT;
	if (rc < 0)
		return answer(rc);
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
	int rc = enter();
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
	int rc = look(AT_FDCWD, path, true, &inode);
	if (rc == 0)
		*out = (struct statfs){.f_type = EXT4};
	return answer(rc);
}

int __wrap_statfs(const char *path, struct statfs *out)
{
	return do_statfs(path, out);
}

int __wrap_statfs64(const char *path, struct statfs *out)
{
	return do_statfs(path, out);
}

/* --- reading ---------------------------------------------------------------------------------- */

static ssize_t read_content(struct open_file *open_file, uint8_t *out, size_t room)
{
	const struct inode *inode = open_file->inode;
	if (is_dir(inode))
		return answer(-EISDIR);
	uint64_t left = inode->size > open_file->at ? inode->size - open_file->at : 0;
	size_t len = left < room ? (size_t)left : room;
	if (len > 1 && sim_chance(&SIM.choices, SIM.settings.short_read_percent))
		len = 1 + sim_below(&SIM.choices, len - 1);
	for (size_t i = 0; i < len; i++)
		out[i] = disk_byte(inode, open_file->at + i);
	open_file->at += len;
	return (ssize_t)len;
}

ssize_t __wrap_read(int fd, void *out, size_t room)
{
	struct open_file *open_file = file_of(fd);
	int rc = enter();
	if (rc == 0 && !open_file)
		rc = -EBADF;
	if (rc < 0)
		return answer(rc);
	if (!open_file->is_notify)
		return read_content(open_file, out, room);
	ssize_t len = notify_read(fd, out, room);
	return len < 0 ? answer((int)len) : len;
}

ssize_t __wrap___read_chk(int fd, void *out, size_t room, size_t size)
{
	(void)size;
	return __wrap_read(fd, out, room);
}

static uint8_t type_of(const struct inode *inode)
{
	return (uint8_t)IFTODT(inode->mode);
}

static size_t put_record(const struct dentry *dentry, uint8_t *out)
{
	struct dirent64 *record = (struct dirent64 *)(void *)out;
	size_t len = strlen(dentry->name);
	size_t size = (offsetof(struct dirent64, d_name) + len + 1 + 7) / 8 * 8;
	record->d_ino = dentry->inode->number;
	record->d_off = dentry->place;
	record->d_reclen = (unsigned short)size;
	record->d_type = type_of(dentry->inode);
	memcpy(record->d_name, dentry->name, len + 1);
	return size;
}

ssize_t __wrap_getdents64(int fd, void *out, size_t room)
{
	struct open_file *open_file = file_of(fd);
	struct dentry *dentry;
	size_t used = 0, count = 0;
	int rc = enter();
	if (rc == 0 && (!open_file || !open_file->inode || !is_dir(open_file->inode)))
		rc = -ENOTDIR;
	if (rc == 0 && open_file->inode->is_dead)
		rc = -ENOENT;
	if (rc < 0)
		return answer(rc);
	DL_FOREACH(open_file->inode->entries, dentry)
	{
		if (open_file->has_begun && dentry->place <= open_file->place)
			continue;
		if (count++ == SIM.settings.listing_chunk || used + 300 > room)
			break;
		used += put_record(dentry, (uint8_t *)out + used);
		open_file->has_begun = true;
		open_file->place = dentry->place;
	}
	return (ssize_t)used;
}

/* --- extended attributes: a file has one or none ---------------------------------------------- */

static ssize_t give(const void *bytes, size_t len, void *out, size_t room)
{
	if (room == 0)
		return (ssize_t)len;
	if (len > room)
		return answer(-ERANGE);
	memcpy(out, bytes, len);
	return (ssize_t)len;
}

static ssize_t list_attributes(int rc, const struct inode *inode, char *out, size_t room)
{
	if (rc < 0)
		return answer(rc);
	return inode->xattr ? give(DISK_XATTR, sizeof DISK_XATTR, out, room) : 0;
}

static ssize_t get_attribute(
        int rc, const struct inode *inode, const char *name, void *out, size_t room)
{
	if (rc == 0 && (!inode->xattr || strcmp(name, DISK_XATTR) != 0))
		rc = -ENODATA;
	return rc < 0 ? answer(rc) : give(&inode->xattr, sizeof inode->xattr, out, room);
}

static int inode_of(int fd, struct inode **out)
{
	const struct open_file *open_file = file_of(fd);
	int rc = enter();
	if (rc == 0 && (!open_file || !open_file->inode))
		rc = -EBADF;
	if (rc == 0)
		*out = open_file->inode;
	return rc;
}

ssize_t __wrap_llistxattr(const char *path, char *out, size_t room)
{
	struct inode *inode = NULL;
	int rc = look(AT_FDCWD, path, false, &inode);
	return list_attributes(rc, inode, out, room);
}

ssize_t __wrap_flistxattr(int fd, char *out, size_t room)
{
	struct inode *inode = NULL;
	int rc = inode_of(fd, &inode);
	return list_attributes(rc, inode, out, room);
}

ssize_t __wrap_lgetxattr(const char *path, const char *name, void *out, size_t room)
{
	struct inode *inode = NULL;
	int rc = look(AT_FDCWD, path, false, &inode);
	return get_attribute(rc, inode, name, out, room);
}

ssize_t __wrap_fgetxattr(int fd, const char *name, void *out, size_t room)
{
	struct inode *inode = NULL;
	int rc = inode_of(fd, &inode);
	return get_attribute(rc, inode, name, out, room);
}

/* --- inotify ---------------------------------------------------------------------------------- */

int __wrap_inotify_init1(int flags)
{
	(void)flags;
	int fd = new_fd();
	if (fd < 0)
		return answer(fd);
	file_of(fd)->is_notify = true;
	int rc = notify_open(fd);
	if (rc < 0)
		file_of(fd)->is_open = false;
	return answer(rc);
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	struct inode *inode;
	int rc = look(AT_FDCWD, path, !(mask & IN_DONT_FOLLOW), &inode);
	if (rc == 0 && mask & IN_ONLYDIR && !is_dir(inode))
		rc = -ENOTDIR;
	if (rc == 0)
		rc = notify_add(fd, inode, mask);
	sim_trace("agent: watch %s: %d", path, rc);
	return answer(rc);
}

int __wrap_inotify_rm_watch(int fd, int wd)
{
	int rc = enter();
	if (rc == 0)
		rc = notify_remove(fd, wd);
	return answer(rc);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	const struct open_file *open_file = file_of(fd);
	va_list args;
	int rc = enter();
	if (rc == 0 && (!open_file || !open_file->is_notify || request != FIONREAD))
		rc = -ENOTTY;
	if (rc < 0)
		return answer(rc);
	va_start(args, request);
	*va_arg(args, int *) = (int)notify_bytes(fd);
	va_end(args);
	return 0;
}

/* --- what this machine does not have ---------------------------------------------------------- */

static int lacks(int code)
{
	return answer(-code);
}

int __wrap_fanotify_init(unsigned flags, unsigned event_flags)
{
	(void)flags, (void)event_flags;
	return lacks(ENOSYS);
}

int __wrap_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return lacks(EACCES);
}

DIR *__wrap_opendir(const char *path)
{
	(void)path;
	errno = ENOENT;
	return NULL;
}

int __wrap_access(const char *path, int mode)
{
	struct inode *inode;
	(void)mode;
	return answer(look(AT_FDCWD, path, true, &inode));
}

/* --- time, memory, threads -------------------------------------------------------------------- */

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int64_t ns = clock == CLOCK_REALTIME          ? sim_wall_ns()
	             : clock == CLOCK_REALTIME_COARSE ? sim_stamp_ns()
	                                              : SIM.now_ns;
	*out = (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
	return 0;
}

int __wrap_malloc_trim(size_t pad)
{
	(void)pad;
	return 0;
}

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);

/* The holder may be a task that waits for its turn. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	int rc;
	while ((rc = pthread_mutex_trylock(mutex)) == EBUSY && task_now())
		task_yield();
	return rc;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	(void)cond;
	pthread_mutex_unlock(mutex);
	task_yield();
	return __wrap_pthread_mutex_lock(mutex);
}

/* --- the state's directory: its store is in memory -------------------------------------------- */

int __wrap_file_make_dir(const char *dir, mode_t mode, struct reason *out_why)
{
	(void)dir, (void)mode, (void)out_why;
	return 0;
}

int __wrap_file_lock(const char *path, int *out_fd, struct reason *out_why)
{
	(void)path, (void)out_why;
	*out_fd = -1;
	return 0;
}

void __wrap_random_bytes(void *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)out)[i] = (uint8_t)sim_random(&SIM.choices);
}
