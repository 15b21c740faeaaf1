#include "agent/watch/fanotify_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uthash.h>

#include "common/base/mem.h"

#define DELETED " (deleted)" /* readlink(2) of a descriptor whose file has no name any more */

struct paths_entry {
	UT_hash_handle hh;
	struct dir_path found;
	size_t key_len;
	uint8_t bytes[]; /* key: the mount's id and the handle; then the path */
};

#define KEY_MAX (sizeof(uint64_t) + HANDLE_BYTES)

static size_t make_key(const struct dir_handle *handle, uint8_t key[KEY_MAX])
{
	memcpy(key, &handle->mount_id, sizeof handle->mount_id);
	memcpy(key + sizeof handle->mount_id, handle->bytes.ptr, handle->bytes.len);
	return sizeof handle->mount_id + handle->bytes.len;
}

void paths_forget(struct paths *paths)
{
	struct paths_entry *entry = paths->entries, *next;
	HASH_CLEAR(hh, paths->entries);
	for (; entry; entry = next) {
		next = entry->hh.next;
		free(entry);
	}
	paths->bytes = 0;
}

void paths_fini(struct paths *paths)
{
	paths_forget(paths);
}

static struct paths_entry *find(const struct paths *paths, const uint8_t *key, size_t key_len)
{
	struct paths_entry *entry;
	HASH_FIND(hh, paths->entries, key, key_len, entry);
	return entry;
}

struct dir_path *paths_find(const struct paths *paths, const struct dir_handle *handle)
{
	uint8_t key[KEY_MAX];
	if (handle->bytes.len > HANDLE_BYTES)
		return NULL;
	struct paths_entry *entry = find(paths, key, make_key(handle, key));
	return entry ? &entry->found : NULL;
}

static void drop(struct paths *paths, struct paths_entry *entry)
{
	HASH_DELETE(hh, paths->entries, entry);
	paths->bytes -= sizeof *entry + entry->key_len + entry->found.path.len;
	free(entry);
}

struct dir_path *paths_put(
        struct paths *paths, const struct dir_handle *handle, struct slice path, bool is_wanted)
{
	uint8_t key[KEY_MAX];
	if (handle->bytes.len > HANDLE_BYTES)
		return NULL;
	size_t key_len = make_key(handle, key);
	struct paths_entry *entry = find(paths, key, key_len);
	if (entry)
		drop(paths, entry);
	size_t bytes = sizeof *entry + key_len + path.len;
	if (HASH_COUNT(paths->entries) >= PATHS_MAX || paths->bytes + bytes > PATHS_BYTES_MAX)
		paths_forget(paths);
	entry = mem_new(bytes);
	entry->key_len = key_len;
	memcpy(entry->bytes, key, key_len);
	memcpy(entry->bytes + key_len, path.ptr, path.len);
	entry->found.path = slice_of(entry->bytes + key_len, path.len);
	entry->found.is_wanted = is_wanted;
	HASH_ADD_KEYPTR(hh, paths->entries, entry->bytes, key_len, entry);
	paths->bytes += bytes;
	return &entry->found;
}

/* A name may end so, too: only a directory without links is gone. */
static bool is_gone(int fd, const char *path, size_t len)
{
	struct stat info;
	size_t tail = strlen(DELETED);
	return len > tail && memcmp(path + len - tail, DELETED, tail) == 0 &&
	       fstat(fd, &info) == 0 && info.st_nlink == 0;
}

int paths_look_up(int mount_fd, struct slice handle, char *out, size_t room)
{
	/* The kernel's buffer need not be aligned as its struct is. */
	_Alignas(struct file_handle) uint8_t copy[HANDLE_BYTES];
	char link[32];
	if (handle.len > sizeof copy)
		return -EINVAL;
	memcpy(copy, handle.ptr, handle.len);
	int fd = open_by_handle_at(mount_fd, (void *)copy, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, out, room);
	int code = len < 0 ? -errno : (int)len;
	if (len > 0 && ((size_t)len == room || out[0] != '/'))
		code = -ENAMETOOLONG;
	else if (len > 0 && is_gone(fd, out, (size_t)len))
		code = -ENOENT;
	close(fd);
	return code;
}
