#include "agent/packages/rpm_lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/packages/holder.h"
#include "common/base/glob.h"

static bool find_lock(const char *root, char path[PATH_MAX], struct stat *out)
{
	static const char *const DIRS[] = {RPM_DIR, RPM_SYSIMAGE_DIR};
	for (size_t i = 0; i < sizeof(DIRS) / sizeof(DIRS[0]); i++) {
		snprintf(path, PATH_MAX, "%s%s/" RPM_LOCK, root, DIRS[i]);
		if (lstat(path, out) == 0 && S_ISREG(out->st_mode))
			return true;
	}
	return false;
}

static bool is_same(int fd, const struct stat *there)
{
	struct stat here;
	return fd >= 0 && fstat(fd, &here) == 0 && here.st_ino == there->st_ino &&
	       here.st_dev == there->st_dev;
}

/* Opens the lock that is there now, if it is another. */
static void keep_lock(const char *root, int *kept)
{
	char path[PATH_MAX];
	struct stat there;
	bool is_there = find_lock(root, path, &there);
	if (is_there && is_same(*kept, &there))
		return;
	if (*kept >= 0)
		close(*kept);
	*kept = is_there ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
}

bool rpm_is_manager(const char *exe)
{
	static const char *const NAMES[] = {"rpm", "rpm.*", "dnf*", "yum*", "microdnf", "tdnf",
	        "zypper", "packagekitd", "python*", "platform-python*", "rpm-ostree*", "urpm*",
	        "perl*", "apt-get"};
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (glob_matches(slice_text(NAMES[i]), slice_text(exe)))
			return true;
	return false;
}

enum manager_holder rpm_holder(const char *root, int *kept, pid_t *out_pid)
{
	char name[PATH_MAX];
	keep_lock(root, kept);
	*out_pid = *kept >= 0 ? holder_of(*kept, true) : 0;
	if (*out_pid == 0)
		return HOLDER_NONE;
	holder_name(*out_pid, name);
	return rpm_is_manager(name) ? HOLDER_WORKS : HOLDER_STRANGER;
}
