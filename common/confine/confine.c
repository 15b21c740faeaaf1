#include "common/confine/confine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "common/confine/confine_private.h"

/* --- notes ------------------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 0))) static void join(
        char *text, size_t size, const char *format, va_list args)
{
	size_t len = strlen(text);
	if (len > 0 && len < size - 1)
		len += (size_t)snprintf(text + len, size - len, ", ");
	if (len < size - 1)
		vsnprintf(text + len, size - len, format, args);
}

void confine_note_on(struct confine_notes *notes, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	join(notes->on, sizeof(notes->on), format, args);
	va_end(args);
}

void confine_note_missing(struct confine_notes *notes, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	join(notes->missing, sizeof(notes->missing), format, args);
	va_end(args);
}

void confine_note_off(struct confine_notes *notes)
{
	*notes = (struct confine_notes){0};
	confine_note_missing(notes, "everything: the configuration says 'confine: off'");
}

void confine_log(const struct confine_notes *notes, const char *who)
{
	if (notes->on[0])
		log_info("%s is confined: %s", who, notes->on);
	if (notes->missing[0])
		log_warn("%s is not confined: %s", who, notes->missing);
}

/* --- what is granted -------------------------------------------------------------------------- */

void confine_add_path(struct confine_rights *rights, const char *path, enum confine_access access)
{
	rights->has_paths = true;
	if (rights->path_count < CONFINE_PATHS_MAX)
		rights->path[rights->path_count++] = (struct confine_path){
		        .path = path, .access = access};
}

void confine_add_system_files(struct confine_rights *rights)
{
	static const char *const FILES[] = {
	        /* name resolution: files, and the directories that links of /etc lead into */
	        "/etc/resolv.conf",
	        "/etc/hosts",
	        "/etc/nsswitch.conf",
	        "/etc/host.conf",
	        "/etc/gai.conf",
	        "/etc/services",
	        "/etc/protocols",
	        "/run/systemd/resolve",
	        "/run/resolvconf",
	        "/run/NetworkManager/resolv.conf",
	        "/run/NetworkManager/no-stub-resolv.conf",
	        /* libraries that are loaded when they are first asked: NSS, OpenSSL's providers */
	        "/etc/ld.so.cache",
	        "/usr/lib",
	        "/usr/lib64",
	        "/lib",
	        "/lib64",
	        /* OpenSSL's configuration */
	        "/etc/ssl/openssl.cnf",
	        "/etc/pki/tls/openssl.cnf",
	        "/etc/pki/tls/openssl.d",
	        "/etc/crypto-policies",
	        "/usr/share/crypto-policies",
	        /* the C library's own questions */
	        "/etc/localtime",
	        "/usr/share/zoneinfo",
	        "/dev/null",
	        "/dev/urandom",
	        "/sys/devices/system/cpu",
	        "/proc/self",
	        "/proc/sys/vm/overcommit_memory",
	};
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++)
		confine_add_path(rights, FILES[i], CONFINE_READ);
}

static void add_port(uint16_t *ports, size_t *count, uint16_t port)
{
	if (*count < CONFINE_PORTS_MAX)
		ports[(*count)++] = port;
}

void confine_add_bind(struct confine_rights *rights, uint16_t port)
{
	add_port(rights->bind_port, &rights->bind_count, port);
}

void confine_add_connect(struct confine_rights *rights, uint16_t port)
{
	add_port(rights->connect_port, &rights->connect_count, port);
}

/* --- the files as they were ------------------------------------------------------------------- */

static struct {
	const char *path;
	dev_t device;
	ino_t inode;
} granted[CONFINE_PATHS_MAX];
static size_t granted_count;

static void identify(const char *path, dev_t *out_device, ino_t *out_inode)
{
	struct stat st;
	bool is_there = stat(path, &st) == 0;
	*out_device = is_there ? st.st_dev : 0;
	*out_inode = is_there ? st.st_ino : 0;
}

static void remember(const struct confine_rights *rights)
{
	granted_count = rights->path_count;
	for (size_t i = 0; i < granted_count; i++) {
		granted[i].path = rights->path[i].path;
		identify(granted[i].path, &granted[i].device, &granted[i].inode);
	}
}

bool confine_is_outdated(void)
{
	for (size_t i = 0; i < granted_count; i++) {
		dev_t device;
		ino_t inode;
		identify(granted[i].path, &device, &inode);
		if (inode != granted[i].inode || device != granted[i].device)
			return true;
	}
	return false;
}

/* --- rights ----------------------------------------------------------------------------------- */

/* Capabilities and rules belong to threads: those that are there already would keep all. The run
 * time of the sanitizers has a thread of its own. */
static bool has_threads(void)
{
	struct stat st;
	return !CONFINE_SANITIZED && stat("/proc/self/task", &st) == 0 && st.st_nlink > 3;
}

int confine_rights(
        const struct confine_rights *rights, struct confine_notes *notes, struct reason *out_why)
{
	*notes = (struct confine_notes){0};
	if (has_threads())
		return fail(out_why, ERR_BUSY, "cannot give up rights: threads run already");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(out_why, -errno, "cannot give up new privileges: %s", err_text(-errno));
	/* What was read of others, and the key, are nobody's business: no core dump, no tracer. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail(out_why, -errno, "cannot forbid core dumps: %s", err_text(-errno));
	int rc = confine_capabilities(rights->capabilities, notes, out_why);
	if (rc == 0 && rights->has_paths)
		rc = confine_landlock(rights, notes, out_why);
	else if (rc == 0 && rights->why_no_landlock)
		confine_note_missing(notes, "landlock (%s)", rights->why_no_landlock);
	if (rc == 0)
		remember(rights);
	return rc;
}
