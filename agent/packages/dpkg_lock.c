#include "agent/packages/dpkg_lock.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/packages/holder.h"
#include "common/base/glob.h"

/* 0: nobody. Opened for reading: closing it then is not the end of a write that others wait for. */
static pid_t find_holder(const char *root, const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s%s/%s", root, DPKG_DIR, name);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return 0;
	pid_t pid = holder_of(fd, false);
	close(fd);
	return pid;
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
	pid_t pid = find_holder(root, "lock");
	*out_pid = pid;
	if (pid != 0) {
		holder_name(pid, name);
		if (strcmp(name, "dpkg") == 0)
			return HOLDER_WORKS;
		return dpkg_is_front_end(name) ? HOLDER_IS_NEAR : HOLDER_STRANGER;
	}
	*out_pid = pid = find_holder(root, "lock-frontend");
	return pid != 0 ? HOLDER_IS_NEAR : HOLDER_NONE;
}
