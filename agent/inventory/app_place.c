#include "agent/inventory/app_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/source/root.h"
#include "common/base/mem.h"

#define ENTER_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)

/* Nothing in them is ever installed, and they are a third of a system's directories. */
static const char *const SKIPPED[] = {
        "/usr/include",
        "/usr/lib/modules",
        "/usr/share/doc",
        "/usr/share/fonts",
        "/usr/share/icons",
        "/usr/share/info",
        "/usr/share/locale",
        "/usr/share/man",
        "/usr/share/mime",
        "/usr/share/zoneinfo",
};
static const char *const SKIPPED_NAMES[] = {".git", ".hg", ".svn"};

/* The numbers are those that linux/magic.h does not name everywhere (statfs(2)). */
static const uint32_t FOREIGN[] = {
        AFS_FS_MAGIC, AFS_SUPER_MAGIC, AUTOFS_SUPER_MAGIC, BINFMTFS_MAGIC, BPF_FS_MAGIC,
        CGROUP2_SUPER_MAGIC, CGROUP_SUPER_MAGIC, CODA_SUPER_MAGIC, DEBUGFS_MAGIC,
        DEVPTS_SUPER_MAGIC, EFIVARFS_MAGIC, NCP_SUPER_MAGIC, NFS_SUPER_MAGIC, NSFS_MAGIC,
        PROC_SUPER_MAGIC, PSTOREFS_MAGIC, SECURITYFS_MAGIC, SELINUX_MAGIC, SMACK_MAGIC,
        SMB_SUPER_MAGIC, SYSFS_MAGIC, TRACEFS_MAGIC, V9FS_MAGIC, 0x00c36400, /* ceph */
        0x0bd00bd0,                                                          /* lustre */
        0x19800202,                                                          /* mqueue */
        0x1373,                                                              /* devfs */
        0x47504653,                                                          /* gpfs */
        0x62656570,                                                          /* configfs */
        0x65735543,                                                          /* fusectl */
        0x65735546,                                                          /* fuse */
        0x67596969,                                                          /* rpc_pipefs */
        0x786f4256,                                                          /* vboxsf */
        0xfe534d42,                                                          /* smb2 */
        0xff534d42,                                                          /* cifs */
};

/* --- names ------------------------------------------------------------------------------------ */

bool app_path_is_at_or_below(struct slice path, struct slice dir)
{
	return slice_starts_with(path, dir) &&
	       (path.len == dir.len || dir.len == 1 || path.ptr[dir.len] == '/');
}

static bool is_skipped(const char *name, struct slice path)
{
	for (size_t i = 0; i < sizeof(SKIPPED_NAMES) / sizeof(SKIPPED_NAMES[0]); i++)
		if (strcmp(name, SKIPPED_NAMES[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(SKIPPED) / sizeof(SKIPPED[0]); i++)
		if (slice_is(path, SKIPPED[i]))
			return true;
	return false;
}

/* --- the configured directories --------------------------------------------------------------- */

/* A path that leads out of the root is none; NULL then. */
static char *real_path(const char *root, const char *path)
{
	char full[PATH_MAX], real_root[PATH_MAX];
	struct buf name = BUF_INIT;
	bool is_there = realpath(root_path(root, path, &name), full) && realpath(root, real_root);
	buf_fini(&name);
	if (!is_there || !app_path_is_at_or_below(slice_text(full), slice_text(real_root)))
		return NULL;
	const char *on_host = full + (strcmp(real_root, "/") == 0 ? 0 : strlen(real_root));
	return mem_copy_text(*on_host ? on_host : "/", *on_host ? strlen(on_host) : 1);
}

void app_bases_init(
        struct app_bases *bases, const char *root, const char *const *path, size_t count)
{
	*bases = (struct app_bases){.path = mem_new_array(count + 1, sizeof(*bases->path))};
	for (size_t i = 0; i < count; i++) {
		char *real = real_path(root, path[i]);
		if (real && !app_bases_has(bases, slice_text(real)))
			bases->path[bases->count++] = real;
		else
			free(real);
	}
}

void app_bases_fini(struct app_bases *bases)
{
	for (size_t i = 0; i < bases->count; i++)
		free(bases->path[i]);
	free(bases->path);
	*bases = (struct app_bases){0};
}

const char *app_bases_of(const struct app_bases *bases, struct slice path)
{
	const char *deepest = NULL;
	for (size_t i = 0; i < bases->count; i++) {
		const char *base = bases->path[i];
		bool is_deeper = !deepest || strlen(base) > strlen(deepest);
		if (is_deeper && app_path_is_at_or_below(path, slice_text(base)))
			deepest = base;
	}
	return deepest;
}

bool app_bases_has(const struct app_bases *bases, struct slice path)
{
	for (size_t i = 0; i < bases->count; i++)
		if (slice_is(path, bases->path[i]))
			return true;
	return false;
}

/* --- directories ------------------------------------------------------------------------------ */

static int take_open(int fd, struct app_place *out)
{
	struct stat info;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &info) < 0) {
		int code = -errno;
		close(fd);
		return code;
	}
	*out = (struct app_place){.fd = fd, .device = info.st_dev};
	return 0;
}

/* From the root down, so that a link that was put in the way meanwhile leads nowhere. */
int app_place_open(const char *root, const char *base, struct app_place *out)
{
	char name[NAME_MAX + 1];
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && *base) {
		base += strspn(base, "/");
		size_t len = strcspn(base, "/");
		if (len == 0)
			break;
		if (len > NAME_MAX) {
			close(fd);
			return -ENAMETOOLONG;
		}
		memcpy(name, base, len);
		name[len] = '\0';
		base += len;
		int next = openat(fd, name, O_RDONLY | ENTER_FLAGS);
		int code = errno;
		close(fd);
		errno = code;
		fd = next;
	}
	return take_open(fd, out);
}

/* Opening with O_PATH asks no server and mounts nothing (open(2)). */
static bool is_foreign(int parent_fd, const char *name)
{
	struct statfs info;
	int fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return true;
	bool is_known = fstatfs(fd, &info) == 0;
	close(fd);
	for (size_t i = 0; is_known && i < sizeof(FOREIGN) / sizeof(FOREIGN[0]); i++)
		if ((uint32_t)info.f_type == FOREIGN[i])
			return true;
	return !is_known;
}

int app_place_enter(
        const struct app_place *parent, const char *name, struct slice path, struct app_place *out)
{
	struct stat info;
	if (is_skipped(name, path))
		return ERR_MISSING;
	if (fstatat(parent->fd, name, &info, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return errno == ENOENT ? ERR_MISSING : -errno;
	if (!S_ISDIR(info.st_mode) ||
	        (info.st_dev != parent->device && is_foreign(parent->fd, name)))
		return ERR_MISSING;
	int rc = take_open(openat(parent->fd, name, O_RDONLY | ENTER_FLAGS), out);
	return rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP ? ERR_MISSING : rc;
}
