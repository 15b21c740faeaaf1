/* rpm - the package manager as manager.h has it: where its runs show, and who explains them. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent/packages/manager.h"
#include "agent/packages/rpm_label.h"
#include "agent/packages/rpm_lock.h"
#include "agent/packages/rpm_survey.h"

static const char *const DATABASES[] = {
        "rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages.db", "Packages"};
#define DATABASE_COUNT (sizeof(DATABASES) / sizeof(DATABASES[0]))

static bool is_database(const char *name)
{
	for (size_t i = 0; i < DATABASE_COUNT; i++)
		if (strcmp(name, DATABASES[i]) == 0)
			return true;
	return false;
}

/* The database is written to in a run alone; that sqlite makes and opens its log is nothing. */
static unsigned sign_in_database(const char *name, uint32_t mask)
{
	if (mask & (IN_MOVE_SELF | IN_DELETE_SELF))
		return SIGN_CHANGED;
	if (strcmp(name, RPM_LOCK) == 0)
		return (mask & IN_CLOSE_WRITE ? SIGN_UNLOCKED : 0) |
		       (mask & IN_OPEN ? SIGN_OPENED : 0);
	bool is_written = mask & (IN_MODIFY | IN_MOVED_TO | IN_DELETE);
	return is_written && is_database(name) ? SIGN_RUNS | SIGN_CHANGED : 0;
}

/* The directory itself is another: the database was made anew. */
static unsigned sign_above(const char *name, uint32_t mask)
{
	(void)mask;
	return strcmp(name, "rpm") == 0 ? SIGN_CHANGED : 0;
}

#define IN_DATABASE                                                                      \
	(IN_OPEN | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVE_SELF | \
	        IN_DELETE_SELF | IN_ONLYDIR)
#define IN_ABOVE (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)

static const struct signs_place PLACES[] = {
        {RPM_DIR, IN_DATABASE, false, sign_in_database},
        {RPM_SYSIMAGE_DIR, IN_DATABASE, false, sign_in_database},
        {"/var/lib", IN_ABOVE, false, sign_above},
        {"/usr/lib/sysimage", IN_ABOVE, false, sign_above},
};

static bool is_present(const char *root)
{
	static const char *const DIRS[] = {RPM_DIR, RPM_SYSIMAGE_DIR, RPM_OSTREE_DIR};
	char path[PATH_MAX];
	for (size_t i = 0; i < sizeof(DIRS) / sizeof(DIRS[0]); i++)
		for (size_t j = 0; j < DATABASE_COUNT; j++) {
			snprintf(path, sizeof(path), "%s%s/%s", root, DIRS[i], DATABASES[j]);
			if (access(path, F_OK) == 0)
				return true;
		}
	return false;
}

const struct manager MANAGER_RPM = {
        .name = "rpm",
        .places = PLACES,
        .place_count = sizeof(PLACES) / sizeof(PLACES[0]),
        .is_present = is_present,
        .holder = rpm_holder,
        .look = rpm_look,
        .wants_md5 = rpm_wants_md5,
        .label = rpm_label,
};
