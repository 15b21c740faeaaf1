#include "agent/fim/nearby.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void nearby_forget(struct nearby *nearby)
{
	if (nearby->fd >= 0)
		close(nearby->fd);
	nearby->fd = -1;
	nearby->dir_len = 0;
}

/* Opened at the second path in it: a single one is reached by its path as well. */
struct place nearby_find(struct nearby *nearby, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	struct place far = {.at = AT_FDCWD, .name = path};
	if (len == 0 || len >= sizeof nearby->dir || slash[1] == '\0')
		return far;
	if (len != nearby->dir_len || memcmp(path, nearby->dir, len) != 0) {
		nearby_forget(nearby);
		memcpy(nearby->dir, path, len);
		nearby->dir[len] = '\0';
		nearby->dir_len = len;
		return far;
	}
	if (nearby->fd < 0)
		nearby->fd = open(nearby->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return nearby->fd < 0 ? far : (struct place){.at = nearby->fd, .name = slash + 1};
}
