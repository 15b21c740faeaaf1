#include "agent/pkgdb/merged_paths.h"

#include <stdio.h>
#include <unistd.h>

#include "agent/source/root.h"

/* The last two are links where /usr/sbin has been put into /usr/bin as well; a link of the first
 * ones may lead to one of them. */
static const char *const NAMES[MERGED_PATHS_MAX] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64",
        "/libx32", "/libo32", "/usr/sbin", "/usr/lib64"};

static bool is_plain(const char *target)
{
	return target[0] == '/' && target[1] != '\0' && !strstr(target, "/.") &&
	       !strstr(target, "//") && target[strlen(target) - 1] != '/';
}

/* "usr/bin" beside /bin is "/usr/bin", and so is "bin" beside /usr/sbin. Anything but a plain path
 * is left alone. */
static bool take_link(const char *root, const char *name, char target[MERGED_TARGET_SIZE])
{
	char link[MERGED_TARGET_SIZE];
	struct buf path = BUF_INIT;
	ssize_t len = readlink(root_path(root, name, &path), link, sizeof(link) - 1);
	buf_fini(&path);
	if (len <= 0)
		return false;
	link[len] = '\0';
	int above = link[0] == '/' ? 0 : (int)(strrchr(name, '/') + 1 - name);
	int written = snprintf(target, MERGED_TARGET_SIZE, "%.*s%s", above, name, link);
	return written < MERGED_TARGET_SIZE && is_plain(target);
}

/* So that one step leads to the end. */
static void join(struct merged_paths *merged)
{
	for (size_t i = 0; i < merged->count; i++)
		for (size_t j = 0; j < merged->count; j++)
			if (slice_is(merged->link[j].name, merged->link[i].target))
				memcpy(merged->link[i].target, merged->link[j].target,
				        MERGED_TARGET_SIZE);
}

void merged_paths_find(struct merged_paths *merged, const char *root)
{
	*merged = (struct merged_paths){0};
	for (size_t i = 0; i < MERGED_PATHS_MAX; i++) {
		struct merged_path *link = &merged->link[merged->count];
		link->name = slice_text(NAMES[i]);
		if (take_link(root, NAMES[i], link->target))
			merged->count++;
	}
	join(merged);
}

struct slice merged_paths_one(
        const struct merged_paths *merged, struct slice path, struct buf *room)
{
	for (size_t i = 0; i < merged->count; i++) {
		const struct merged_path *link = &merged->link[i];
		size_t len = link->name.len;
		if (path.len <= len || path.ptr[len] != '/' ||
		        memcmp(path.ptr, link->name.ptr, len) != 0)
			continue;
		buf_reset(room);
		buf_append_text(room, link->target);
		buf_append(room, path.ptr + len, path.len - len);
		return buf_slice(room);
	}
	return path;
}
