#include "agent/packages/merged.h"

#include <stdio.h>
#include <unistd.h>

static const char *const NAMES[MERGED_COUNT] = {
        "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/libo32"};

void merged_find(struct merged *merged, const char *root)
{
	char path[MERGED_PATH_MAX];
	*merged = (struct merged){0};
	for (size_t i = 0; i < MERGED_COUNT; i++) {
		char *target = merged->target[i];
		snprintf(path, sizeof(path), "%s%s", root, NAMES[i]);
		ssize_t len = readlink(path, target + 1, sizeof(merged->target[i]) - 2);
		if (len <= 0) {
			target[1] = '\0';
			continue;
		}
		target[len + 1] = '\0';
		if (target[1] == '/')
			memmove(target, target + 1, (size_t)len + 1);
		else
			target[0] = '/';
	}
}

struct slice merged_canonical(
        const struct merged *merged, struct slice path, uint8_t room[MERGED_PATH_MAX])
{
	for (size_t i = 0; i < MERGED_COUNT; i++) {
		struct slice from = slice_text(NAMES[i]), to = slice_text(merged->target[i]);
		bool is_below = to.len > 0 && path.len > from.len &&
		                slice_starts_with(path, from) && path.ptr[from.len] == '/';
		if (!is_below)
			continue;
		size_t rest = path.len - from.len;
		if (to.len + rest > MERGED_PATH_MAX)
			return (struct slice){0};
		memcpy(room, to.ptr, to.len);
		memcpy(room + to.len, path.ptr + from.len, rest);
		return slice_of(room, to.len + rest);
	}
	return path;
}

uint64_t merged_key(const struct merged *merged, struct slice path)
{
	uint8_t room[MERGED_PATH_MAX];
	return key_of(merged_canonical(merged, path, room));
}
