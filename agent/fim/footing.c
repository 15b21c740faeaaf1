#include "agent/fim/footing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct slice footing_parent(struct slice path)
{
	const uint8_t *slash = memrchr(path.ptr, '/', path.len);
	if (!slash || path.len == 1)
		return (struct slice){0};
	return slice_of(path.ptr, slash > path.ptr ? (size_t)(slash - path.ptr) : 1);
}

struct slice footing_of(const struct filter *filter, struct slice path)
{
	struct slice dir = footing_parent(path);
	return dir.ptr && filter_covers(filter, dir, true) ? dir : (struct slice){0};
}

static bool is_directory(struct slice dir)
{
	char text[PATH_MAX];
	struct stat found;
	if (dir.len >= sizeof(text))
		return false;
	memcpy(text, dir.ptr, dir.len);
	text[dir.len] = '\0';
	return lstat(text, &found) == 0 && S_ISDIR(found.st_mode);
}

bool footing_is_there(const struct filter *filter, struct slice path)
{
	struct slice dir = footing_of(filter, path);
	while (dir.ptr && is_directory(dir))
		dir = footing_of(filter, dir);
	return !dir.ptr;
}

/* The path of what watches a directory may itself lead through links: the part below it may not. */
static bool is_direct_below_entry(const struct filter *filter, const char *dir, struct slice real)
{
	char entry[PATH_MAX], real_entry[PATH_MAX];
	int index = filter_entry_of(filter, slice_text(dir));
	if (index < 0)
		return true;
	struct slice path = filter_path(filter, (size_t)index);
	snprintf(entry, sizeof(entry), "%.*s", SLICE_ARG(path));
	if (!realpath(entry, real_entry))
		return false;
	struct slice rest = slice_text(dir + path.len), start = slice_text(real_entry);
	return slice_starts_with(real, start) && real.len == start.len + rest.len &&
	       memcmp(real.ptr + start.len, rest.ptr, rest.len) == 0;
}

bool footing_is_direct(const struct filter *filter, const char *dir, int fd)
{
	char name[40], real[PATH_MAX];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(name, real, sizeof(real));
	if (len < 0)
		return true; /* nobody can tell */
	struct slice found = slice_of(real, (size_t)len);
	return slice_is(found, dir) || is_direct_below_entry(filter, dir, found);
}
