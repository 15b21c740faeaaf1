#include "agent/running/kernels.h"

#include <dirent.h>
#include <sys/utsname.h>

#include "agent/running/kernel_release.h"
#include "agent/source/root.h"
#include "agent/pkgdb/sources.h"
#include "common/base/text.h"
#include "common/model/version.h"

#define RELEASE_FILE       "/proc/sys/kernel/osrelease"
#define VERSION_FILE       "/proc/version"
#define SIGNATURE_FILE     "/proc/version_signature"
#define VERSION_BYTES_MAX  4096
#define IMAGES_MAX         4096
#define IMAGE_PREFIX       "vmlinuz-"
#define PACKAGES_BYTES_MAX (256u << 20) /* as much as a whole pass may have */

typedef int read_fn(const char *root, struct fact_list *out, struct reason *out_why);
static read_fn *const MANAGERS[] = {src_dpkg_read, src_rpm_read, src_apk_read, src_pacman_read};
#define MANAGER_COUNT (sizeof(MANAGERS) / sizeof(MANAGERS[0]))

static bool ends_with(struct slice text, const char *end)
{
	size_t len = strlen(end);
	return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

/* --- the list --------------------------------------------------------------------------------- */

static int copy(struct arena *arena, const struct kernel *kernel, struct kernel *out)
{
	out->release = arena_copy(arena, kernel->release);
	out->version = arena_copy(arena, kernel->version);
	out->package = arena_copy(arena, kernel->package);
	out->manager = arena_copy(arena, kernel->manager);
	bool is_whole = out->release.ptr && out->version.ptr && out->package.ptr &&
	                out->manager.ptr;
	return is_whole ? 0 : ERR_LIMIT;
}

static int add(struct kernels *kernels, const struct kernel *kernel)
{
	if (kernels->count == kernels->room) {
		size_t room = kernels->room ? kernels->room * 2 : 16;
		struct kernel *more = arena_alloc_zeroed(kernels->arena, room, sizeof(*more));
		if (!more)
			return ERR_LIMIT;
		if (kernels->count > 0)
			memcpy(more, kernels->installed, kernels->count * sizeof(*more));
		kernels->installed = more;
		kernels->room = room;
	}
	int rc = copy(kernels->arena, kernel, &kernels->installed[kernels->count]);
	if (rc == 0)
		kernels->count++;
	return rc;
}

const struct kernel *kernels_find(const struct kernels *kernels, struct slice release)
{
	for (size_t i = 0; i < kernels->count; i++)
		if (slice_equal(kernels->installed[i].release, release))
			return &kernels->installed[i];
	return NULL;
}

/* --- packages --------------------------------------------------------------------------------- */

/* The package "kernel" of today only asks for "kernel-core", which has the image: that is the one
 * to name. */
static int take_package(struct kernels *kernels, const struct fact *package, struct slice release)
{
	struct kernel kernel = {.release = release,
	        .version = package->field[PACKAGE_VERSION],
	        .package = package->field[PACKAGE_NAME],
	        .manager = package->field[PACKAGE_MANAGER]};
	for (size_t i = 0; i < kernels->count; i++) {
		struct kernel *known = &kernels->installed[i];
		if (!slice_equal(known->release, release))
			continue;
		if (!ends_with(kernel.package, "-core"))
			return 0;
		return copy(kernels->arena, &kernel, known);
	}
	return add(kernels, &kernel);
}

static int read_manager(
        const char *root, read_fn *read, struct kernels *kernels, struct reason *out_why)
{
	struct fact_list packages = {.arena = arena_new(PACKAGES_BYTES_MAX)};
	struct buf release = BUF_INIT;
	int rc = read(root, &packages, out_why);
	if (rc == SOURCE_UNSURE) {
		kernels->is_unsure = true;
		rc = 0;
	}
	for (size_t i = 0; rc == 0 && i < packages.count; i++)
		if (kernel_release_of(&packages.fact[i], &release))
			rc = take_package(kernels, &packages.fact[i], buf_slice(&release));
	buf_fini(&release);
	arena_free(packages.arena);
	return rc == ERR_MISSING ? 0 : rc;
}

/* --- images ----------------------------------------------------------------------------------- */

/* Rescue images are copies of what was there when the system was installed. */
static bool is_leftover(struct slice release)
{
	return slice_starts_with(release, slice_text("0-rescue-")) || ends_with(release, ".old") ||
	       ends_with(release, ".bak") || ends_with(release, ".dpkg-new") ||
	       ends_with(release, ".dpkg-tmp") || ends_with(release, ".dpkg-bak") ||
	       memchr(release.ptr, ';', release.len);
}

static int add_images(const char *root, struct kernels *kernels)
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
		struct slice name = slice_text(entry->d_name);
		if (!slice_starts_with(name, slice_text(IMAGE_PREFIX)))
			continue;
		size_t skip = strlen(IMAGE_PREFIX);
		struct kernel kernel = {.release = slice_of(name.ptr + skip, name.len - skip)};
		if (!kernel_is_release(kernel.release) || is_leftover(kernel.release) ||
		        kernels_find(kernels, kernel.release))
			continue;
		rc = add(kernels, &kernel);
		images++;
	}
	closedir(dir);
	return rc;
}

/* --- the running one -------------------------------------------------------------------------- */

static bool read_release(const char *root, struct buf *out)
{
	struct utsname host;
	buf_reset(out);
	if (!root_is_host(root)) {
		if (root_read(root, RELEASE_FILE, RELEASE_MAX + 1, out, NULL) < 0)
			return false;
	} else if (uname(&host) == 0) {
		buf_append_text(out, host.release);
	}
	out->len = text_trim(buf_slice(out)).len;
	return kernel_is_release(buf_slice(out));
}

/* What the kernel itself says of the package that it came in; `text` holds it. */
static struct slice read_exact_version(const char *root, struct slice release, struct buf *text)
{
	struct slice found = {0};
	if (root_read(root, SIGNATURE_FILE, VERSION_BYTES_MAX, text, NULL) == 0)
		found = kernel_version_of_signature(buf_slice(text), release);
	if (!found.ptr && root_read(root, VERSION_FILE, VERSION_BYTES_MAX, text, NULL) == 0)
		found = kernel_version_of_build(buf_slice(text));
	return found;
}

static bool has_rpms(const struct kernels *kernels)
{
	return kernels->count > 0 && slice_is(kernels->installed[0].manager, "rpm");
}

static int read_running(const char *root, struct kernels *kernels)
{
	struct buf release = BUF_INIT, text = BUF_INIT;
	struct kernel running = {.release = {0}};
	int rc = 0;
	kernels->has_running = read_release(root, &release);
	if (kernels->has_running) {
		const struct kernel *installed = kernels_find(kernels, buf_slice(&release));
		if (installed)
			running = *installed;
		else if (has_rpms(kernels))
			running = (struct kernel){.manager = slice_text("rpm"),
			        .version = kernel_version_of_rpm(buf_slice(&release))};
		running.release = buf_slice(&release);
		struct slice exact = read_exact_version(root, running.release, &text);
		if (exact.ptr)
			running.version = exact;
		rc = copy(kernels->arena, &running, &kernels->running);
	}
	buf_fini(&release);
	buf_fini(&text);
	return rc;
}

int kernels_read(const char *root, struct arena *arena, struct kernels *out, struct reason *out_why)
{
	*out = (struct kernels){.arena = arena};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < MANAGER_COUNT; i++)
		rc = read_manager(root, MANAGERS[i], out, out_why);
	if (rc < 0)
		return rc;
	rc = add_images(root, out);
	if (rc == 0)
		rc = read_running(root, out);
	return rc < 0 ? fail(out_why, rc, "cannot list kernels: too many packages") : 0;
}

/* --- order ------------------------------------------------------------------------------------ */

/* dpkg's packages of one release follow each other, and boot loaders go by the release; of rpm's
 * and others' packages only the version has the order. */
int kernel_compare(const struct kernel *a, const struct kernel *b)
{
	enum version_scheme scheme = VERSION_DPKG;
	bool has_scheme = slice_equal(a->manager, b->manager) && !slice_is(a->manager, "dpkg") &&
	                  version_scheme_parse(a->manager, &scheme);
	if (has_scheme)
		return version_compare(scheme, a->version, b->version);
	int order = version_compare(VERSION_DPKG, a->release, b->release);
	return order ? order : version_compare(VERSION_DPKG, a->version, b->version);
}

static bool is_of_running_build(const struct kernels *kernels, const struct kernel *kernel)
{
	const struct kernel *running = &kernels->running;
	bool is_told_by_name = running->package.len > 0 && !slice_is(running->manager, "dpkg");
	return !is_told_by_name || kernel->package.len == 0 ||
	       slice_equal(kernel->package, running->package);
}

const struct kernel *kernels_newest(const struct kernels *kernels)
{
	const struct kernel *newest = NULL;
	for (size_t i = 0; i < kernels->count; i++) {
		const struct kernel *kernel = &kernels->installed[i];
		if (is_of_running_build(kernels, kernel) &&
		        (!newest || kernel_compare(kernel, newest) > 0))
			newest = kernel;
	}
	return newest;
}
