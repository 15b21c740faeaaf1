#include "common/io/owner.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

int owner_become(const char *dir, struct reason *out_why)
{
	struct stat owner;
	if (geteuid() != 0 || stat(dir, &owner) < 0 || owner.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setegid(owner.st_gid) < 0 || seteuid(owner.st_uid) < 0)
		return fail(out_why, -errno, "cannot work as the owner of '%s': %s", dir,
		        err_text(-errno));
	return 0;
}

int owner_root_again(struct reason *out_why)
{
	if (getuid() == 0 && geteuid() != 0 && (seteuid(0) < 0 || setegid(getgid()) < 0))
		return fail(out_why, -errno, "cannot work as root again: %s", err_text(-errno));
	return 0;
}
