#include "agent/packages/holder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

pid_t holder_of(int fd, bool is_for_writing)
{
	struct flock lock = {
	        .l_type = is_for_writing ? F_RDLCK : F_WRLCK,
	        .l_whence = SEEK_SET,
	};
	int rc = fcntl(fd, F_GETLK, &lock);
	return rc == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

void holder_name(pid_t pid, char out[PATH_MAX])
{
	char link[64], exe[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	ssize_t len = readlink(link, exe, sizeof(exe) - 1);
	exe[len > 0 ? len : 0] = '\0';
	char *deleted = strstr(exe, " (deleted)"); /* dpkg upgrades dpkg */
	if (deleted)
		*deleted = '\0';
	const char *slash = strrchr(exe, '/');
	snprintf(out, PATH_MAX, "%s", slash ? slash + 1 : exe);
	/* While it unpacks itself: /usr/bin/dpkg.dpkg-tmp. */
	char *suffix = strstr(out, ".dpkg-");
	if (suffix)
		*suffix = '\0';
}
