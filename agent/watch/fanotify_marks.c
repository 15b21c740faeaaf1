#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/watch/fanotify_private.h"
#include "agent/watch/mountinfo.h"
#include "common/base/mem.h"
#include "common/io/file.h"

/* Names, content, attributes; of directories, too. What happens to a root itself is told by the
 * directory that it stands in. */
#define MARK_MASK                                                                           \
	(FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB | \
	        FAN_ONDIR)

/* Where the mount stands; -EXDEV when its root is not the file system's, or it is not seen from
 * here (we stand in a chroot below it): what happens would have no path of ours. */
static int find_point(uint64_t mount_id, char out[PATH_MAX])
{
	struct buf text = BUF_INIT, scratch = BUF_INIT;
	struct mount_line mount;
	int rc = file_read("/proc/self/mountinfo", MOUNTINFO_BYTES_MAX, &text, NULL);
	struct slice rest = buf_slice(&text);
	bool is_found = false;
	while (rc == 0 && !is_found && mountinfo_next(&rest, &scratch, &mount))
		is_found = mount.id == mount_id;
	if (rc == 0 && (!is_found || !slice_is(mount.root, "/")))
		rc = -EXDEV;
	else if (rc == 0 && mount.point.len >= PATH_MAX)
		rc = -ENAMETOOLONG;
	else if (rc == 0)
		snprintf(out, PATH_MAX, "%.*s", SLICE_ARG(mount.point));
	buf_fini(&text);
	buf_fini(&scratch);
	return rc;
}

/* Another file system may be mounted at the path by now, or upon it. */
static int open_point(const char *point, uint64_t mount_id)
{
	struct statx info;
	int fd = open(point, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR ? -EXDEV : -errno;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &info) == 0 && info.stx_mnt_id == mount_id)
		return fd;
	close(fd);
	return -EXDEV;
}

static int mark(struct fanotify *fanotify, struct marked *marked)
{
	char point[PATH_MAX];
	struct statfs info;
	int rc = find_point(marked->mount_id, point);
	if (rc < 0)
		return rc;
	int fd = open_point(point, marked->mount_id);
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &info) < 0 ||
	        fanotify_mark(
	                fanotify->fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, MARK_MASK, fd, NULL) < 0)
		rc = -errno;
	close(fd);
	if (rc < 0)
		return rc;
	memcpy(marked->fsid, &info.f_fsid, sizeof marked->fsid);
	marked->point = mem_copy_text(point, strlen(point));
	return 0;
}

int fanotify_open_mount(struct marked *marked)
{
	if (marked->fd < 0)
		marked->fd = open_point(marked->point, marked->mount_id);
	return marked->fd;
}

void fanotify_close_mounts(struct fanotify *fanotify)
{
	for (size_t i = 0; i < fanotify->marked_count; i++) {
		if (fanotify->marked[i].fd >= 0)
			close(fanotify->marked[i].fd);
		fanotify->marked[i].fd = -1;
	}
}

static struct marked *find_marked(struct fanotify *fanotify, uint64_t mount_id)
{
	for (size_t i = 0; i < fanotify->marked_count; i++) {
		size_t at = (fanotify->last + i) % fanotify->marked_count;
		if (fanotify->marked[at].mount_id != mount_id)
			continue;
		fanotify->last = at;
		return &fanotify->marked[at];
	}
	return NULL;
}

static int mount_of(struct slice dir, uint64_t *out_id)
{
	char path[PATH_MAX];
	struct statx info;
	if (dir.len == 0 || dir.len >= sizeof path)
		return -ENAMETOOLONG;
	snprintf(path, sizeof path, "%.*s", SLICE_ARG(dir));
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
	if (statx(AT_FDCWD, path, flags, STATX_TYPE | STATX_MNT_ID, &info) < 0)
		return -errno;
	if (!S_ISDIR(info.stx_mode))
		return -ENOTDIR;
	if (!(info.stx_mask & STATX_MNT_ID))
		return -EOPNOTSUPP;
	*out_id = info.stx_mnt_id;
	return 0;
}

int fanotify_add(struct fanotify *fanotify, struct slice dir)
{
	uint64_t id = 0;
	int rc = mount_of(dir, &id);
	if (rc < 0)
		return rc;
	struct marked *marked = find_marked(fanotify, id);
	if (marked)
		return marked->code == 0 ? 1 : marked->code;
	if (fanotify->marked_count == MOUNTS_MAX)
		return -EOPNOTSUPP;
	marked = &fanotify->marked[fanotify->marked_count];
	*marked = (struct marked){.mount_id = id, .fd = -1};
	marked->code = mark(fanotify, marked);
	fanotify->marked_count++;
	return marked->code;
}

bool fanotify_covers(struct fanotify *fanotify, struct slice dir)
{
	uint64_t id = 0;
	if (mount_of(dir, &id) < 0)
		return false;
	const struct marked *marked = find_marked(fanotify, id);
	return marked && marked->code == 0;
}

size_t fanotify_count(const struct fanotify *fanotify)
{
	size_t count = 0;
	for (size_t i = 0; i < fanotify->marked_count; i++)
		count += fanotify->marked[i].code == 0;
	return count;
}

/* Ids of mounts are used again. The marks stay: that of a file system that is gone went with it. */
void fanotify_forget_mounts(struct fanotify *fanotify)
{
	size_t kept = 0;
	fanotify_close_mounts(fanotify);
	for (size_t i = 0; i < fanotify->marked_count; i++) {
		struct marked marked = fanotify->marked[i];
		char point[PATH_MAX];
		if (marked.code == 0 && find_point(marked.mount_id, point) == 0)
			fanotify->marked[kept++] = marked;
		else
			free(marked.point);
	}
	fanotify->marked_count = kept;
	fanotify->last = 0;
	paths_forget(&fanotify->paths);
}
