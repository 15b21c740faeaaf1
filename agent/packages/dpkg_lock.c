#include "agent/packages/dpkg_lock.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/glob.h"

/* 0: nobody. Opened for reading: closing it then is not the end of a write that others wait for. */
static pid_t holder_of(const char *root, const char *name)
{
	char path[PATH_MAX];
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	snprintf(path, sizeof(path), "%s%s/%s", root, DPKG_DIR, name);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return 0;
	int rc = fcntl(fd, F_GETLK, &lock);
	close(fd);
	return rc == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

/* The last component of the program's path; "" when it cannot be told. */
static void name_of(pid_t pid, char out[PATH_MAX])
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

bool dpkg_is_front_end(const char *exe)
{
	static const char *const NAMES[] = {"apt", "apt-get", "aptitude*", "synaptic",
	        "packagekitd", "python3*", "perl*", "dselect", "nala", "deborphan"};
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (glob_matches(slice_text(NAMES[i]), slice_text(exe)))
			return true;
	return false;
}

enum manager_holder dpkg_holder(const char *root, pid_t *out_pid)
{
	char name[PATH_MAX];
	pid_t pid = holder_of(root, "lock");
	*out_pid = pid;
	if (pid != 0) {
		name_of(pid, name);
		if (strcmp(name, "dpkg") == 0)
			return HOLDER_WORKS;
		return dpkg_is_front_end(name) ? HOLDER_IS_NEAR : HOLDER_STRANGER;
	}
	*out_pid = pid = holder_of(root, "lock-frontend");
	return pid != 0 ? HOLDER_IS_NEAR : HOLDER_NONE;
}
