/*
 * Kernels: the running one as uname(2) has it, the installed ones as packages
 * linux-image-<release> and as images /boot/vmlinuz-<release>. A package's version tells apart
 * what the release does not: Debian keeps the release over security updates.
 */
#include <dirent.h>
#include <sys/utsname.h>

#include "agent/inventory/root.h"
#include "agent/inventory/source.h"
#include "common/base/text.h"

#define RELEASE_FILE "/proc/sys/kernel/osrelease"
#define RELEASE_MAX  255
#define IMAGES_MAX   4096
#define IMAGE_PREFIX "vmlinuz-"

struct kernels {
	struct fact_list packages; /* linux-image-<release> only: see take_package */
	struct fact_list *out;
};

static bool ends_with(struct slice text, const char *end)
{
	size_t len = strlen(end);
	return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

static bool take_prefix(struct slice *text, const char *prefix)
{
	struct slice start = slice_text(prefix);
	if (!slice_starts_with(*text, start))
		return false;
	*text = slice_of(text->ptr + start.len, text->len - start.len);
	return true;
}

static bool is_release(struct slice text)
{
	if (text.len == 0 || text.len > RELEASE_MAX || text.ptr[0] < '0' || text.ptr[0] > '9')
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	return true;
}

/* The release that a package is the image of. Meta packages (linux-image-amd64) have none: their
 * names go on with a letter. */
static bool release_of(const struct fact *package, struct slice *out)
{
	struct slice rest = package->field[PACKAGE_NAME];
	if (!take_prefix(&rest, "linux-image-unsigned-") && !take_prefix(&rest, "linux-image-"))
		return false;
	if (ends_with(rest, "-dbg") || ends_with(rest, "-dbgsym"))
		return false;
	if (ends_with(rest, "-unsigned"))
		rest.len -= strlen("-unsigned");
	*out = rest;
	return is_release(rest) && !slice_is(package->field[PACKAGE_STATUS], "config-files");
}

static const struct fact *package_of(const struct kernels *kernels, struct slice release)
{
	struct slice found;
	for (size_t i = 0; i < kernels->packages.count; i++) {
		const struct fact *package = &kernels->packages.fact[i];
		if (release_of(package, &found) && slice_equal(found, release))
			return package;
	}
	return NULL;
}

static int add(struct kernels *kernels, const char *state, struct slice release)
{
	const struct fact *package = package_of(kernels, release);
	struct fact fact = {.kind = FACT_KERNEL};
	fact.field[KERNEL_STATE] = slice_text(state);
	fact.field[KERNEL_RELEASE] = release;
	if (package) {
		fact.field[KERNEL_VERSION] = package->field[PACKAGE_VERSION];
		fact.field[KERNEL_PACKAGE] = package->field[PACKAGE_NAME];
	}
	return fact_list_add(kernels->out, &fact);
}

static int add_running(const char *root, struct kernels *kernels)
{
	struct utsname host;
	struct buf text = BUF_INIT;
	struct slice release = {0};
	if (root_is_host(root)) {
		if (uname(&host) == 0)
			release = slice_text(host.release);
	} else if (root_read(root, RELEASE_FILE, RELEASE_MAX + 1, &text, NULL) == 0) {
		release = text_trim(buf_slice(&text));
	}
	int rc = is_release(release) ? add(kernels, "running", release) : 0;
	buf_fini(&text);
	return rc;
}

static int read_packages(const char *root, struct kernels *kernels, struct reason *out_why)
{
	struct fact_list all = {.arena = kernels->out->arena};
	struct slice release;
	int rc = src_dpkg_read(root, &all, out_why);
	if (rc == ERR_MISSING)
		return 0;
	for (size_t i = 0; rc == 0 && i < all.count; i++)
		if (release_of(&all.fact[i], &release))
			rc = fact_list_add(&kernels->packages, &all.fact[i]);
	return rc;
}

static int add_installed_packages(struct kernels *kernels)
{
	struct slice release;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < kernels->packages.count; i++)
		if (release_of(&kernels->packages.fact[i], &release))
			rc = add(kernels, "installed", release);
	return rc;
}

static bool is_leftover(struct slice release)
{
	return ends_with(release, ".old") || ends_with(release, ".bak") ||
	       ends_with(release, ".dpkg-new") || ends_with(release, ".dpkg-tmp") ||
	       ends_with(release, ".dpkg-bak");
}

/* Images that no package has put there. */
static int add_other_images(const char *root, struct kernels *kernels)
{
	struct buf path = BUF_INIT;
	DIR *dir = opendir(root_path(root, "/boot", &path));
	const struct dirent *entry = NULL;
	size_t images = 0;
	int rc = 0;
	buf_fini(&path);
	if (!dir)
		return 0; /* a container, or not ours to read */
	while (rc == 0 && images < IMAGES_MAX && (entry = readdir(dir))) {
		struct slice release = slice_text(entry->d_name);
		if (!take_prefix(&release, IMAGE_PREFIX) || !is_release(release) ||
		        is_leftover(release) || package_of(kernels, release))
			continue;
		rc = add(kernels, "installed", release);
		images++;
	}
	closedir(dir);
	return rc;
}

int src_kernel_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct kernels kernels = {.packages = {.arena = out->arena}, .out = out};
	int rc = read_packages(root, &kernels, out_why);
	if (rc < 0)
		return rc;
	rc = add_running(root, &kernels);
	if (rc == 0)
		rc = add_installed_packages(&kernels);
	if (rc == 0)
		rc = add_other_images(root, &kernels);
	return rc < 0 ? fail(out_why, rc, "cannot list kernels: too many packages") : 0;
}
