#include "agent/fim/footing.h"

#include <limits.h>
#include <sys/stat.h>

struct slice footing_of(const struct filter *filter, struct slice path)
{
	const uint8_t *slash = memrchr(path.ptr, '/', path.len);
	if (!slash || path.len == 1)
		return (struct slice){0};
	struct slice dir = slice_of(path.ptr, slash > path.ptr ? (size_t)(slash - path.ptr) : 1);
	return filter_covers(filter, dir, true) ? dir : (struct slice){0};
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
