/* dpkg - the package manager as manager.h has it: where its runs show, and who explains them. */
#include <string.h>
#include <sys/inotify.h>

#include "agent/packages/dpkg_label.h"
#include "agent/packages/dpkg_lock.h"
#include "agent/packages/dpkg_survey.h"
#include "agent/packages/manager.h"

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);
	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static unsigned sign_of_log(const char *name, uint32_t mask)
{
	(void)name;
	return SIGN_RUNS | (mask & (IN_MOVE_SELF | IN_DELETE_SELF) ? SIGN_ANOTHER : 0);
}

static unsigned sign_in_log_dir(const char *name, uint32_t mask)
{
	(void)mask;
	return strcmp(name, "dpkg.log") == 0 ? SIGN_RUNS | SIGN_ANOTHER : 0;
}

/* Opening a lock for a question, as dpkg_lock.c does, is no sign: that is closed without having
 * been open for writing. */
static unsigned sign_in_database(const char *name, uint32_t mask)
{
	bool is_lock = strcmp(name, "lock") == 0 || strcmp(name, "lock-frontend") == 0;
	if (is_lock && mask & IN_CLOSE_WRITE)
		return SIGN_UNLOCKED;
	return strcmp(name, "status") == 0 ? SIGN_CHANGED : 0;
}

static unsigned sign_in_info(const char *name, uint32_t mask)
{
	(void)mask;
	return ends_with(name, ".list") || ends_with(name, ".md5sums") ? SIGN_CHANGED : 0;
}

static const struct signs_place PLACES[] = {
        {"/var/log/dpkg.log", IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF, true, sign_of_log},
        {"/var/log", IN_CREATE | IN_MOVED_TO | IN_ONLYDIR, false, sign_in_log_dir},
        {DPKG_DIR, IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR, false, sign_in_database},
        {DPKG_DIR "/info", IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR,
                false, sign_in_info},
};

static enum manager_holder find_holder(const char *root, int *kept, pid_t *out_pid)
{
	*kept = -1; /* its locks may be opened for the question: its log says that it begins */
	return dpkg_holder(root, out_pid);
}

const struct manager MANAGER_DPKG = {
        .name = "dpkg",
        .places = PLACES,
        .place_count = sizeof(PLACES) / sizeof(PLACES[0]),
        .holder = find_holder,
        .look = dpkg_look,
        .wants_md5 = dpkg_wants_md5,
        .label = dpkg_label,
};
