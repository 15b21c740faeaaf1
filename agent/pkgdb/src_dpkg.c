/*
 * dpkg: the packages of its status file, and when each was unpacked: dpkg writes the list of its
 * files anew then, and never else. Distroless images have a status file a package in status.d, and
 * no lists.
 */
#include <dirent.h>
#include <errno.h>

#include "agent/pkgdb/dpkg_status.h"
#include "agent/source/folder.h"
#include "agent/pkgdb/install.h"
#include "agent/source/root.h"
#include "agent/pkgdb/sources.h"

#define STATUS_BYTES_MAX (64u << 20)
#define STATUS_FILES_MAX 65536
#define STATUS_FILE      "/var/lib/dpkg/status"
#define STATUS_DIR       "/var/lib/dpkg/status.d"
#define INFO_DIR         "/var/lib/dpkg/info"

int src_dpkg_parse(struct slice text, struct fact_list *out, struct reason *out_why)
{
	return dpkg_status_parse(text, false, out, out_why);
}

/* --- distroless ------------------------------------------------------------------------------- */

static bool is_status_d_name(const char *name)
{
	size_t len = strlen(name);
	return name[0] != '.' && !(len > 8 && strcmp(name + len - 8, ".md5sums") == 0);
}

/* Several files must not hold more than one may. */
static int read_dir(const char *root, DIR *dir, struct fact_list *out, struct reason *out_why)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	size_t files = 0, bytes = 0;
	const struct dirent *entry = NULL;
	int rc = 0;
	while (rc == 0 && (entry = readdir(dir))) {
		if (!is_status_d_name(entry->d_name))
			continue;
		root_path(root, STATUS_DIR "/", &path);
		buf_append_text(&path, entry->d_name);
		rc = root_read("/", buf_text(&path), STATUS_BYTES_MAX - bytes, &text, out_why);
		bytes += text.len;
		if (rc == 0 && ++files > STATUS_FILES_MAX)
			rc = fail(
			        out_why, ERR_LIMIT, "cannot read '%s': too many files", STATUS_DIR);
		if (rc == 0)
			rc = dpkg_status_parse(buf_slice(&text), true, out, out_why);
	}
	buf_fini(&path);
	buf_fini(&text);
	return rc;
}

static int read_status_d(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct buf path = BUF_INIT;
	DIR *dir = opendir(root_path(root, STATUS_DIR, &path));
	int rc = dir ? 0 : -errno;
	buf_fini(&path);
	if (rc == -ENOENT)
		return ERR_MISSING;
	if (!dir)
		return fail(out_why, rc, "cannot list '%s': %s", STATUS_DIR, err_text(rc));
	rc = read_dir(root, dir, out, out_why);
	closedir(dir);
	return rc;
}

/* --- when they came --------------------------------------------------------------------------- */

/* Lists of packages that may stand beside those of another architecture are named with theirs. */
static bool find_time(const struct folder *info, const struct fact *package, int64_t *out_s)
{
	struct slice arch = package->field[PACKAGE_ARCH];
	struct buf name = BUF_INIT;
	buf_append_slice(&name, package->field[PACKAGE_NAME]);
	buf_append_text(&name, ".list");
	int rc = folder_mtime(info, buf_text(&name), out_s);
	if (rc == ERR_MISSING && arch.len > 0 && !memchr(arch.ptr, '/', arch.len)) {
		buf_reset(&name);
		buf_append_slice(&name, package->field[PACKAGE_NAME]);
		buf_append_byte(&name, ':');
		buf_append_slice(&name, arch);
		buf_append_text(&name, ".list");
		rc = folder_mtime(info, buf_text(&name), out_s);
	}
	buf_fini(&name);
	return rc == 0;
}

/* Of what is removed but for its configuration the list is as old as the removal. */
static int add_times(const struct folder *info, struct fact_list *out, size_t first)
{
	size_t end = out->count;
	for (size_t i = first; i < end; i++) {
		struct fact package = out->fact[i];
		int64_t time_s;
		if (slice_is(package.field[PACKAGE_STATUS], "config-files") ||
		        !find_time(info, &package, &time_s))
			continue;
		int rc = install_add(out, &package, time_s);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_times(const char *root, struct fact_list *out, size_t first, struct reason *out_why)
{
	struct folder info;
	int rc = folder_open(root, INFO_DIR, &info, out_why);
	if (rc < 0)
		return rc == ERR_MISSING ? 0 : rc;
	rc = add_times(&info, out, first);
	folder_close(&info);
	return rc < 0 ? fail(out_why, rc, "cannot read dpkg's status: too many packages") : 0;
}

int src_dpkg_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct buf text = BUF_INIT;
	size_t first = out->count;
	int rc = root_read(root, STATUS_FILE, STATUS_BYTES_MAX, &text, out_why);
	if (rc == 0) {
		rc = src_dpkg_parse(buf_slice(&text), out, out_why);
		if (rc == 0)
			rc = read_times(root, out, first, out_why);
	} else if (rc == -ENOENT) {
		rc = read_status_d(root, out, out_why);
	}
	buf_fini(&text);
	return rc;
}
