#include "agent/running/restart.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/running/boot_time.h"
#include "agent/running/proc_maps.h"
#include "agent/running/restart_path.h"
#include "agent/source/root.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/proc_cgroup.h"
#include "common/model/proc_stat.h"

#define EXE_BYTES       (4096 + 16) /* PATH_MAX and " (deleted)" */
#define NAMESPACE_BYTES 64          /* "mnt:[4026531841]" */
#define OVERLAYFS_MAGIC 0x794c7630  /* of linux/magic.h */
#define FRESH_SLOTS     8192        /* a power of two */

struct scan {
	const char *root;
	int (*found)(void *ctx, const struct restart_finding *finding);
	void *ctx;
	size_t denied;
	uint64_t own_pid;
	uint64_t boot_s; /* 0: not known */
	int root_fd;     /* the host's root directory, and what it is */
	dev_t root_dev;
	ino_t root_ino;
	char own_mount[NAMESPACE_BYTES], init_mount[NAMESPACE_BYTES];
	/* Mappings that were found up to date: hashes of (mount namespace, path, inode, device), so
	 * that a library is looked at once and not for each of its processes. */
	uint64_t fresh[FRESH_SLOTS];
	size_t fresh_count;
	struct buf path;
};

/* One process. */
struct subject {
	struct scan *scan;
	int dir;      /* /proc/PID */
	int base;     /* the directory that its paths begin at; not owned: `own_base` is */
	int own_base; /* -1: none */
	char mount[NAMESPACE_BYTES];
	char exe_text[EXE_BYTES], cgroup_text[PROC_CGROUP_BYTES];
	struct slice exe; /* without what stands behind a deleted one */
	struct slice unit, container;
};

/* --- up to date? ------------------------------------------------------------------------------ */

static uint64_t add_hash(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *byte = bytes;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * UINT64_C(1099511628211); /* FNV-1a */
	return hash;
}

static uint64_t hash_of(const struct subject *subject, const struct proc_map *map)
{
	uint64_t numbers[3] = {map->inode, map->major, map->minor};
	uint64_t hash = UINT64_C(14695981039346656037);
	hash = add_hash(hash, subject->mount, sizeof(subject->mount));
	hash = add_hash(hash, numbers, sizeof(numbers));
	hash = add_hash(hash, map->path.ptr, map->path.len);
	return hash ? hash : 1;
}

/* The slot that has this hash, or the free one that is to have it. */
static uint64_t *fresh_slot(struct scan *scan, uint64_t hash)
{
	size_t at = hash & (FRESH_SLOTS - 1);
	while (scan->fresh[at] && scan->fresh[at] != hash)
		at = (at + 1) & (FRESH_SLOTS - 1);
	return &scan->fresh[at];
}

static void remember_fresh(struct scan *scan, uint64_t hash)
{
	if (scan->fresh_count > FRESH_SLOTS / 2) {
		memset(scan->fresh, 0, sizeof(scan->fresh));
		scan->fresh_count = 0;
	}
	*fresh_slot(scan, hash) = hash;
	scan->fresh_count++;
}

/* A descriptor to stat the file by: neither a link is followed at its end, nor anything opened. */
static int open_path(const struct subject *subject, struct slice path)
{
	struct buf *text = &subject->scan->path;
	proc_maps_unescape(path, text);
	if (memchr(text->data, '\0', text->len))
		return -1;
	const char *name = buf_text(text); /* below the base, as the kernel writes it or not */
	while (*name == '/')
		name++;
	return openat(subject->base, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static bool is_overlay(int fd)
{
	struct statfs info;
	return fstatfs(fd, &info) == 0 && info.f_type == OVERLAYFS_MAGIC;
}

/* Whether the path is another file's now. */
static bool is_replaced(const struct subject *subject, const struct proc_map *map)
{
	struct stat info;
	int fd = open_path(subject, map->path);
	if (fd < 0)
		return false;
	bool is_other = false;
	if (fstat(fd, &info) == 0) {
		bool has_devices = map->major != 0 && major(info.st_dev) != 0;
		bool is_moved = has_devices && (map->major != major(info.st_dev) ||
		                                       map->minor != minor(info.st_dev));
		is_other = (info.st_ino != map->inode || is_moved) && !is_overlay(fd);
	}
	close(fd);
	return is_other;
}

/* A file may have a name that ends like this. */
static bool is_named_deleted(const struct subject *subject, struct slice path, uint64_t inode)
{
	struct stat info;
	int fd = open_path(subject, path);
	if (fd < 0)
		return false;
	bool is_same = fstat(fd, &info) == 0 && info.st_ino == inode;
	close(fd);
	return is_same;
}

/* --- findings --------------------------------------------------------------------------------- */

/* Nothing is asked of processes of which there is nothing to tell. */
static uint64_t started_at(const struct subject *subject)
{
	char text[PROC_STAT_BYTES];
	struct proc_stat stat;
	long ticks_s = sysconf(_SC_CLK_TCK);
	int fd = openat(subject->dir, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	if (fd >= 0)
		close(fd);
	if (len <= 0 || ticks_s <= 0 || subject->scan->boot_s == 0 ||
	        !proc_stat_parse(slice_of(text, (size_t)len), &stat))
		return 0;
	return subject->scan->boot_s + stat.started / (uint64_t)ticks_s;
}

static int tell(const struct subject *subject, struct slice file)
{
	struct restart_finding finding = {.unit = subject->unit,
	        .container = subject->container,
	        .exe = subject->exe,
	        .file = file,
	        .is_executable = slice_equal(file, subject->exe),
	        .since_s = started_at(subject)};
	return subject->scan->found(subject->scan->ctx, &finding);
}

static int on_deleted(const struct subject *subject, const struct proc_map *map)
{
	struct slice file = map->path;
	if (is_named_deleted(subject, map->path, map->inode))
		return 0;
	restart_path_strip_deleted(&file);
	proc_maps_unescape(file, &subject->scan->path);
	file = buf_slice(&subject->scan->path);
	restart_path_strip_manager(&file);
	return tell(subject, file);
}

static int on_map(void *ctx, const struct proc_map *map)
{
	struct subject *subject = ctx;
	struct scan *scan = subject->scan;
	struct slice file = map->path;
	if (!map->is_executable || map->inode == 0 || restart_path_is_ignored(map->path))
		return 0;
	if (restart_path_strip_deleted(&file))
		return on_deleted(subject, map);
	uint64_t hash = hash_of(subject, map);
	if (*fresh_slot(scan, hash))
		return 0;
	if (!is_replaced(subject, map)) {
		remember_fresh(scan, hash);
		return 0;
	}
	return tell(subject, buf_slice(&scan->path)); /* as is_replaced left it */
}

/* --- one process ------------------------------------------------------------------------------ */

static void read_link(int dir, const char *name, char *out, size_t size)
{
	ssize_t len = readlinkat(dir, name, out, size - 1);
	memset(out + (len > 0 ? len : 0), 0, size - (size_t)(len > 0 ? len : 0));
}

static void read_cgroup(struct subject *subject)
{
	size_t len = 0;
	ssize_t got = 0;
	int fd = openat(subject->dir, "cgroup", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	do {
		got = read(fd, subject->cgroup_text + len, sizeof(subject->cgroup_text) - len);
		len += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	close(fd);
	struct slice text = slice_of(subject->cgroup_text, len);
	subject->container = proc_cgroup_container(text);
	subject->unit = proc_cgroup_unit(text);
}

/* Where its paths begin. In a mount namespace that we know, at the root of that one and not at the
 * process's own: mappings tell the whole path even of who has changed its root. */
static bool open_base(struct subject *subject)
{
	const struct scan *scan = subject->scan;
	struct stat info;
	read_link(subject->dir, "ns/mnt", subject->mount, sizeof(subject->mount));
	subject->base = scan->root_fd;
	if (!subject->mount[0] || strcmp(subject->mount, scan->own_mount) == 0)
		return true;
	bool is_inits = strcmp(subject->mount, scan->init_mount) == 0;
	struct buf path = BUF_INIT;
	subject->own_base = is_inits ? open(root_path(scan->root, "/proc/1/root", &path),
	                                       O_PATH | O_DIRECTORY | O_CLOEXEC)
	                             : openat(subject->dir, "root",
	                                       O_PATH | O_DIRECTORY | O_CLOEXEC);
	buf_fini(&path);
	subject->base = subject->own_base;
	if (subject->own_base < 0 || fstat(subject->own_base, &info) < 0)
		return false;
	bool has_our_root = info.st_dev == scan->root_dev && info.st_ino == scan->root_ino;
	return is_inits || has_our_root || subject->container.len > 0;
}

static int look_at_maps(struct subject *subject)
{
	int fd = openat(subject->dir, "maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = proc_maps_each(fd, on_map, subject);
	close(fd);
	return rc;
}

/* Its maps tell of the executable too, but where nothing of it is mapped any more. */
static int look_at_exe(struct subject *subject, bool is_deleted, struct slice raw)
{
	struct stat info;
	uint64_t inode = fstatat(subject->dir, "exe", &info, 0) == 0 ? info.st_ino : 0;
	if (!is_deleted || restart_path_is_ignored(raw) || is_named_deleted(subject, raw, inode))
		return 0;
	return tell(subject, subject->exe);
}

static int look(struct subject *subject)
{
	ssize_t len = readlinkat(subject->dir, "exe", subject->exe_text, sizeof(subject->exe_text));
	if (len < 0)
		return -errno; /* ENOENT: a thread of the kernel, or it has ended */
	struct slice raw = slice_of(subject->exe_text, (size_t)len);
	subject->exe = raw;
	bool is_deleted = restart_path_strip_deleted(&subject->exe);
	restart_path_strip_manager(&subject->exe);
	read_cgroup(subject);
	if (!open_base(subject))
		return 0;
	int rc = look_at_exe(subject, is_deleted, raw);
	return rc < 0 ? rc : look_at_maps(subject);
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool is_passed_over(int rc)
{
	return rc == -ENOENT || rc == -ESRCH || rc == -EACCES || rc == -EPERM || rc == -ENOTDIR;
}

static int look_at(struct scan *scan, int proc, const char *name)
{
	uint64_t pid;
	if (!text_parse_u64(slice_text(name), UINT32_MAX, &pid) || pid == scan->own_pid)
		return 0;
	struct subject *subject = mem_new(sizeof(*subject));
	subject->scan = scan;
	subject->own_base = -1;
	subject->dir = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = subject->dir < 0 ? -errno : look(subject);
	scan->denied += rc == -EACCES || rc == -EPERM;
	if (subject->own_base >= 0)
		close(subject->own_base);
	if (subject->dir >= 0)
		close(subject->dir);
	free(subject);
	return is_passed_over(rc) ? 0 : rc;
}

static int open_root(struct scan *scan, int proc)
{
	struct stat info;
	struct buf path = BUF_INIT;
	scan->root_fd = open(root_path(scan->root, "/", &path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	buf_fini(&path);
	if (scan->root_fd < 0 || fstat(scan->root_fd, &info) < 0)
		return -errno;
	scan->root_dev = info.st_dev;
	scan->root_ino = info.st_ino;
	scan->own_pid = root_is_host(scan->root) ? (uint64_t)getpid() : 0;
	read_link(proc, "self/ns/mnt", scan->own_mount, sizeof(scan->own_mount));
	read_link(proc, "1/ns/mnt", scan->init_mount, sizeof(scan->init_mount));
	return 0;
}

static int look_at_all(struct scan *scan, DIR *proc, struct reason *out_why)
{
	const struct dirent *entry = NULL;
	int rc = open_root(scan, dirfd(proc));
	if (rc < 0)
		return fail(out_why, rc, "cannot open the root directory: %s", err_text(rc));
	while (rc >= 0 && (entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			rc = look_at(scan, dirfd(proc), entry->d_name);
	return rc < 0 ? fail(out_why, rc, "cannot look at all processes: %s", err_text(rc)) : 0;
}

int restart_scan(const char *root, int (*found)(void *ctx, const struct restart_finding *finding),
        void *ctx, size_t *out_denied, struct reason *out_why)
{
	struct buf path = BUF_INIT;
	DIR *proc = opendir(root_path(root, "/proc", &path));
	int rc = proc ? 0 : -errno;
	buf_fini(&path);
	if (rc == -ENOENT)
		return ERR_MISSING;
	if (!proc)
		return fail(out_why, rc, "cannot list '/proc': %s", err_text(rc));
	struct scan *scan = mem_new(sizeof(*scan));
	scan->root = root;
	scan->boot_s = boot_time(root);
	scan->found = found;
	scan->ctx = ctx;
	scan->root_fd = -1;
	rc = look_at_all(scan, proc, out_why);
	*out_denied = scan->denied;
	if (scan->root_fd >= 0)
		close(scan->root_fd);
	buf_fini(&scan->path);
	free(scan);
	closedir(proc);
	return rc;
}
