#include "agent/running/restart_path.h"

#include "common/base/text.h"

#define HEX_DIGITS_MIN 8

static bool starts_with_one_of(struct slice path, const char *const *prefix, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_starts_with(path, slice_text(prefix[i])))
			return true;
	return false;
}

static bool contains(struct slice path, const char *part)
{
	return path.len > 0 && memmem(path.ptr, path.len, part, strlen(part));
}

/* "/#123", as the kernel names a file that was opened without a name. */
static bool is_nameless(struct slice path)
{
	restart_path_strip_deleted(&path);
	size_t at = path.len;
	while (at > 0 && path.ptr[at - 1] >= '0' && path.ptr[at - 1] <= '9')
		at--;
	return at >= 2 && at < path.len && path.ptr[at - 1] == '#' && path.ptr[at - 2] == '/';
}

bool restart_path_is_ignored(struct slice path)
{
	static const char *const PREFIXES[] = {"/SYSV", "/drm", "/dev/", "/memfd:", "/[aio]",
	        "/anon_hugepage", "/dmabuf:", "/tmp/", "/var/tmp/", "/run/", "/var/run/"};
	/* Of Java and of programs that run themselves from memory. */
	static const char *const PARTS[] = {"/orcexec.", "/jna", "/.cache/JNA"};
	if (path.len == 0 || path.ptr[0] != '/' ||
	        starts_with_one_of(path, PREFIXES, sizeof(PREFIXES) / sizeof(PREFIXES[0])))
		return true;
	return contains(path, PARTS[0]) || (contains(path, PARTS[1]) && contains(path, ".tmp")) ||
	       contains(path, PARTS[2]) || is_nameless(path);
}

static bool take_end(struct slice *path, const char *end)
{
	size_t len = strlen(end);
	if (path->len < len || memcmp(path->ptr + path->len - len, end, len) != 0)
		return false;
	path->len -= len;
	return true;
}

bool restart_path_strip_deleted(struct slice *path)
{
	return take_end(path, " (deleted)");
}

void restart_path_strip_manager(struct slice *path)
{
	size_t at = path->len;
	if (take_end(path, ".dpkg-new") || take_end(path, ".dpkg-tmp"))
		return;
	while (at > 0 && ((path->ptr[at - 1] >= '0' && path->ptr[at - 1] <= '9') ||
	                         (path->ptr[at - 1] >= 'a' && path->ptr[at - 1] <= 'f')))
		at--;
	if (at > 1 && path->ptr[at - 1] == ';' && path->len - at >= HEX_DIGITS_MIN)
		path->len = at - 1;
}

bool restart_path_is_code(struct slice path)
{
	static const char *const NAMES[] = {
	        "bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "modules"};
	struct slice name;
	while (text_split(path, '/', &name, &path)) /* not the file's own name */
		for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
			if (slice_is(name, NAMES[i]))
				return true;
	return false;
}
