#include "agent/host/socket_owners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/source/hostfile.h"
#include "agent/source/root.h"
#include "common/base/text.h"

#define DESCRIPTORS_MAX 1048576 /* of one process; the kernel's own default limit (nr_open) */

/* One walk. */
struct walk {
	const char *root;
	const uint64_t *inodes;
	size_t count;
	struct arena *arena;
	struct socket_owners *out;
	struct stat top; /* the root directory of the host */
	bool has_top;
	int proc_fd;
};

/* One process on it; what it runs is asked for when a socket of it is. */
struct process {
	uint32_t pid, parent;
	bool is_known;
	struct slice program;
	bool is_of_host;
};

bool socket_inode_parse(struct slice link, uint64_t *out)
{
	static const char HEAD[] = "socket:[";
	size_t head = sizeof(HEAD) - 1;
	return slice_starts_with(link, slice_text(HEAD)) && link.len > head &&
	       link.ptr[link.len - 1] == ']' &&
	       text_parse_u64(slice_of(link.ptr + head, link.len - head - 1), UINT64_MAX, out);
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

/* By inode, and the process that counts for it first. */
static int by_owner(const void *a, const void *b)
{
	const struct socket_owner *left = a, *right = b;
	uint32_t left_pid = left->pid == 1 ? UINT32_MAX : left->pid;
	uint32_t right_pid = right->pid == 1 ? UINT32_MAX : right->pid;
	int order = (left->inode > right->inode) - (left->inode < right->inode);
	return order ? order : (left_pid > right_pid) - (left_pid < right_pid);
}

/* --- a process -------------------------------------------------------------------------------- */

/* proc_pid_exe(5): " (deleted)" stands behind a path that is gone, as after an upgrade; it is the
 * same program by its name. */
static struct slice without_deleted(struct slice path)
{
	static const char END[] = " (deleted)";
	size_t end = sizeof(END) - 1;
	if (path.len > end && memcmp(path.ptr + path.len - end, END, end) == 0)
		path.len -= end;
	return path;
}

/* A service that systemd has given a view of its own (PrivateTmp) still has the host's root
 * directory; a container has another. */
static bool has_hosts_root(const struct walk *walk, uint32_t pid)
{
	char path[32];
	struct stat info;
	snprintf(path, sizeof(path), "%u/root/.", pid);
	return walk->has_top && fstatat(walk->proc_fd, path, &info, 0) == 0 &&
	       info.st_dev == walk->top.st_dev && info.st_ino == walk->top.st_ino;
}

/* proc_pid_stat(5): "PID (NAME) STATE PARENT …", and a name may have any bytes in it. */
static uint32_t parent_of(const struct walk *walk, uint32_t pid)
{
	char path[32], text[512];
	uint64_t parent = 0;
	struct slice word, rest;
	snprintf(path, sizeof(path), "%u/stat", pid);
	int fd = openat(walk->proc_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;
	ssize_t len = read(fd, text, sizeof(text));
	close(fd);
	const char *end = len > 0 ? memrchr(text, ')', (size_t)len) : NULL;
	if (!end || text + len - end < 4)
		return 0;
	rest = slice_of(end + 4, (size_t)(text + len - end) - 4);
	if (text_split(rest, ' ', &word, &rest))
		text_parse_u64(word, UINT32_MAX, &parent);
	return (uint32_t)parent;
}

static int learn_process(const struct walk *walk, struct process *process)
{
	char path[32], target[PATH_MAX];
	snprintf(path, sizeof(path), "%u/exe", process->pid);
	ssize_t len = readlinkat(walk->proc_fd, path, target, sizeof(target));
	process->is_known = true;
	process->parent = parent_of(walk, process->pid);
	process->is_of_host = has_hosts_root(walk, process->pid);
	if (len <= 0)
		return 0;
	process->program = arena_copy(walk->arena, without_deleted(slice_of(target, (size_t)len)));
	return process->program.ptr ? 0 : ERR_LIMIT;
}

static int add_owner(const struct walk *walk, uint64_t inode, const struct process *process)
{
	struct socket_owners *out = walk->out;
	if (out->count == out->room) {
		size_t room = out->room ? out->room * 2 : 64;
		struct socket_owner *more = arena_alloc(walk->arena, room * sizeof(*more));
		if (!more)
			return ERR_LIMIT;
		if (out->count > 0)
			memcpy(more, out->owner, out->count * sizeof(*more));
		out->owner = more;
		out->room = room;
	}
	out->owner[out->count++] = (struct socket_owner){.inode = inode,
	        .pid = process->pid,
	        .parent = process->parent,
	        .program = process->program,
	        .is_of_host = process->is_of_host};
	return 0;
}

static int look_at_descriptor(
        const struct walk *walk, int dir_fd, const char *name, struct process *process)
{
	char target[64];
	uint64_t inode = 0;
	ssize_t len = readlinkat(dir_fd, name, target, sizeof(target));
	if (len <= 0 || !socket_inode_parse(slice_of(target, (size_t)len), &inode) ||
	        !bsearch(&inode, walk->inodes, walk->count, sizeof(inode), by_number))
		return 0;
	int rc = process->is_known ? 0 : learn_process(walk, process);
	return rc == 0 ? add_owner(walk, inode, process) : rc;
}

static int look_at_process(const struct walk *walk, uint32_t pid)
{
	char path[32];
	struct process process = {.pid = pid};
	const struct dirent *entry = NULL;
	size_t count = 0;
	int rc = 0;
	snprintf(path, sizeof(path), "%u/fd", pid);
	int fd = openat(walk->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		walk->out->is_complete &= errno == ENOENT || errno == ESRCH;
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (rc == 0 && count++ < DESCRIPTORS_MAX && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			rc = look_at_descriptor(walk, dirfd(dir), entry->d_name, &process);
	closedir(dir);
	return rc;
}

/* --- all of them ------------------------------------------------------------------------------ */

static void keep_first_of_each(struct socket_owners *owners)
{
	size_t kept = 0;
	if (owners->count > 0)
		qsort(owners->owner, owners->count, sizeof(*owners->owner), by_owner);
	for (size_t i = 0; i < owners->count; i++)
		if (i == 0 || owners->owner[i].inode != owners->owner[i - 1].inode)
			owners->owner[kept++] = owners->owner[i];
	owners->count = kept;
}

int socket_owners_read(const char *root, const uint64_t *inodes, size_t count, struct arena *arena,
        struct socket_owners *out)
{
	struct walk walk = {
	        .root = root, .inodes = inodes, .count = count, .arena = arena, .out = out};
	struct buf path = BUF_INIT;
	const struct dirent *entry = NULL;
	uint64_t pid = 0;
	int rc = 0;
	*out = (struct socket_owners){.is_complete = true};
	DIR *dir = opendir(root_path(root, "/proc", &path));
	buf_fini(&path);
	if (!dir)
		return 0;
	walk.proc_fd = dirfd(dir);
	walk.has_top = hostfile_stat(root, "/", &walk.top) == 0;
	while (rc == 0 && (entry = readdir(dir)))
		if (text_parse_u64(slice_text(entry->d_name), UINT32_MAX, &pid))
			rc = look_at_process(&walk, (uint32_t)pid);
	closedir(dir);
	keep_first_of_each(out);
	return rc;
}

const struct socket_owner *socket_owners_of(const struct socket_owners *owners, uint64_t inode)
{
	size_t low = 0, high = owners->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (owners->owner[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low < owners->count && owners->owner[low].inode == inode ? &owners->owner[low]
	                                                                : NULL;
}
