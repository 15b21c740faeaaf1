#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/confine/confine_private.h"

/* Raw numbers and layouts of include/uapi/linux/landlock.h: the headers of the system that builds
 * are often older than the kernel that runs, and each ABI only adds. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define FS_EXECUTE     (1u << 0)
#define FS_WRITE_FILE  (1u << 1)
#define FS_READ_FILE   (1u << 2)
#define FS_READ_DIR    (1u << 3)
#define FS_REMOVE_DIR  (1u << 4)
#define FS_REMOVE_FILE (1u << 5)
#define FS_MAKE_DIR    (1u << 7)
#define FS_MAKE_REG    (1u << 8)
#define FS_ALL_1       ((1u << 13) - 1)
#define FS_REFER       (1u << 13) /* ABI 2 */
#define FS_TRUNCATE    (1u << 14) /* ABI 3 */
#define FS_IOCTL_DEV   (1u << 15) /* ABI 5 */

#define NET_BIND    (1u << 0) /* ABI 4 */
#define NET_CONNECT (1u << 1)

#define SCOPE_ABSTRACT_UNIX (1u << 0) /* ABI 6 */
#define SCOPE_SIGNAL        (1u << 1)

#define RULE_NET_PORT 2

struct ruleset {
	uint64_t fs, net, scoped;
};

struct net_port {
	uint64_t allowed, port;
};

#define READ_RIGHTS (FS_READ_FILE | FS_READ_DIR)
#define WRITE_RIGHTS                                                                  \
	(READ_RIGHTS | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | \
	        FS_MAKE_REG | FS_REFER | FS_TRUNCATE)
/* A rule on a file may not name rights of directories. */
#define FILE_RIGHTS (FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)

static struct ruleset handled_by(int abi)
{
	struct ruleset handled = {.fs = FS_ALL_1};
	if (abi >= 2)
		handled.fs |= FS_REFER;
	if (abi >= 3)
		handled.fs |= FS_TRUNCATE;
	if (abi >= 4)
		handled.net = NET_BIND | NET_CONNECT;
	if (abi >= 5)
		handled.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		handled.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	return handled;
}

/* An old kernel takes the head of the struct that it knows. */
static size_t size_for(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset);
	return abi >= 4 ? offsetof(struct ruleset, scoped) : offsetof(struct ruleset, net);
}

static int add_path(int ruleset, uint64_t handled, const struct confine_path *path)
{
	struct stat st;
	uint64_t rights = path->access == CONFINE_WRITE ? WRITE_RIGHTS : READ_RIGHTS;
	int fd = open(path->path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -errno;
	int rc = fstat(fd, &st) < 0 ? -errno : 0;
	if (rc == 0) {
		if (!S_ISDIR(st.st_mode))
			rights &= FILE_RIGHTS;
		struct landlock_path_beneath_attr rule = {
		        .allowed_access = rights & handled, .parent_fd = fd};
		rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule,
		             0) < 0
		             ? -errno
		             : 0;
	}
	close(fd);
	return rc;
}

static int add_ports(int ruleset, uint64_t right, const uint16_t *ports, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct net_port rule = {.allowed = right, .port = ports[i]};
		if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) < 0)
			return -errno;
	}
	return 0;
}

static int add_rules(
        int ruleset, const struct ruleset *handled, const struct confine_rights *rights)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < rights->path_count; i++)
		rc = add_path(ruleset, handled->fs, &rights->path[i]);
	if (rc == 0 && handled->net)
		rc = add_ports(ruleset, NET_BIND, rights->bind_port, rights->bind_count);
	if (rc == 0 && handled->net)
		rc = add_ports(ruleset, NET_CONNECT, rights->connect_port, rights->connect_count);
	return rc;
}

int confine_landlock(
        const struct confine_rights *rights, struct confine_notes *notes, struct reason *out_why)
{
	int abi = (int)syscall(
	        SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1) {
		confine_note_missing(notes, "landlock (%s)",
		        errno == EOPNOTSUPP ? "switched off in this kernel"
		                            : "this kernel does not have it");
		return 0;
	}
	struct ruleset handled = handled_by(abi);
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, size_for(abi), 0);
	if (ruleset < 0)
		return fail(
		        out_why, -errno, "cannot make a Landlock ruleset: %s", err_text(-errno));
	int rc = add_rules(ruleset, &handled, rights);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		rc = -errno;
	close(ruleset);
	if (rc < 0)
		return fail(out_why, rc, "cannot put on Landlock rules: %s", err_text(rc));
	confine_note_on(notes, "landlock %d", abi);
	return 0;
}
