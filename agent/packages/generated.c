#include "agent/packages/generated.h"

#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/packages/link_target.h"
#include "agent/packages/manager.h"
#include "common/base/glob.h"
#include "common/base/text.h"

/* `path`: glob_matches_path, without the first slash. `package`: patterns of names, one of which
 * has to be in the run; "*" is any. */
struct rule {
	const char *path;
	const char *package;
};

static const struct rule DPKG_RULES[] = {
        {"etc/ld.so.cache*", "libc-bin"},
        {"var/cache/ldconfig/*", "libc-bin"},
        {"usr/lib/*/gconv/gconv-modules.cache*", "libc-bin libc6*"},
        {"usr/lib/locale/**", "locales libc-bin"},
        {"boot/initrd.img*", "initramfs-tools* linux-image-* dracut*"},
        {"boot/initramfs*", "initramfs-tools* linux-image-* dracut*"},
        {"var/lib/initramfs-tools/*", "initramfs-tools* linux-image-*"},
        {"boot/grub/grub.cfg*", "grub* linux-image-*"},
        {"lib/modules/*/modules.*", "linux-image-* linux-modules-* kmod dkms"},
        {"usr/lib/modules/*/modules.*", "linux-image-* linux-modules-* kmod dkms"},
        {"usr/share/mime/**", "shared-mime-info"},
        {"usr/share/applications/mimeinfo.cache*", "desktop-file-utils"},
        {"var/cache/man/**", "man-db"},
        {"usr/share/icons/**/icon-theme.cache", "hicolor-icon-theme libgtk* gtk-update-icon-cache"},
        {"usr/share/glib-2.0/schemas/gschemas.compiled*", "libglib2.0-*"},
        {"usr/lib/*/gio/modules/giomodule.cache*", "libglib2.0-*"},
        {"usr/lib/*/gdk-pixbuf-2.0/*/loaders.cache*", "libgdk-pixbuf*"},
        {"usr/lib/*/gtk-*/*/immodules.cache*", "libgtk*"},
        {"var/cache/fontconfig/**", "fontconfig*"},
        {"usr/share/fonts/**/.uuid*", "fontconfig*"},
        {"etc/ssl/certs/**", "ca-certificates*"},
        {"etc/ca-certificates.conf*", "ca-certificates*"},
        {"etc/udev/hwdb.bin*", "udev systemd*"},
        {"usr/lib/udev/hwdb.bin*", "udev systemd*"},
        {"var/lib/systemd/catalog/*", "systemd*"},
        {"usr/share/info/dir*", "install-info"},
        {"etc/shells", "debianutils"},
        {"var/lib/shells.state", "debianutils"},
        {"usr/share/vim/**/doc/tags*", "vim*"},
        {"etc/xml/**", "xml-core"},
        {"etc/sgml/**", "sgml-base xml-core"},
        {"var/lib/xml-core/**", "xml-core"},
        {"var/cache/apparmor/**", "apparmor*"},
        {"var/lib/dpkg/**", "*"},
        {"var/log/dpkg.log*", "*"},
        {"var/log/alternatives.log*", "*"},
        {"var/log/apt/**", "*"},
        {"var/cache/apt/**", "*"},
        {"var/lib/apt/**", "*"},
        {"var/cache/debconf/**", "*"},
        {"var/lib/ucf/**", "*"},
        {"var/lib/systemd/deb-systemd-*/**", "*"},
};

/* Of rpm's triggers there is no word anywhere: most of these caches are made anew by whatever
 * brings a file that they tell of. */
static const struct rule RPM_RULES[] = {
        {"etc/ld.so.cache*", "*"},
        {"var/cache/ldconfig/*", "*"},
        {"usr/lib*/gconv/gconv-modules.cache*", "glibc*"},
        {"usr/lib/locale/**", "glibc*"},
        {"boot/initramfs*", "kernel* dracut*"},
        {"boot/initrd*", "kernel* dracut*"},
        {"boot/vmlinuz*", "kernel*"},
        {"boot/System.map*", "kernel*"},
        {"boot/config-*", "kernel*"},
        {"boot/symvers-*", "kernel*"},
        {"boot/.vmlinuz*", "kernel*"},
        {"boot/loader/entries/*", "kernel* grub2*"},
        {"boot/grub2/grub.cfg*", "kernel* grub2*"},
        {"boot/grub2/grubenv*", "kernel* grub2*"},
        {"lib/modules/*/modules.*", "kernel* kmod*"},
        {"usr/lib/modules/*/modules.*", "kernel* kmod*"},
        {"usr/share/mime/**", "*"},
        {"usr/share/applications/mimeinfo.cache*", "*"},
        {"var/cache/man/**", "*"},
        {"usr/share/icons/**/icon-theme.cache", "*"},
        {"usr/share/icons/**/.icon-theme.cache", "*"},
        {"usr/share/glib-2.0/schemas/gschemas.compiled*", "*"},
        {"usr/lib*/gio/modules/giomodule.cache*", "*"},
        {"usr/lib*/gdk-pixbuf-2.0/*/loaders.cache*", "*"},
        {"usr/lib*/gtk-*/*/immodules.cache*", "*"},
        {"var/cache/fontconfig/**", "*"},
        {"usr/lib/fontconfig/cache/**", "*"},
        {"usr/share/fonts/**/.uuid*", "*"},
        {"etc/pki/ca-trust/extracted/**", "ca-certificates* p11-kit*"},
        {"etc/udev/hwdb.bin*", "*"},
        {"usr/lib/udev/hwdb.bin*", "*"},
        {"var/lib/systemd/catalog/*", "*"},
        {"usr/share/info/dir*", "*"},
        {"var/lib/rpm/**", "*"},
        {"usr/lib/sysimage/rpm/**", "*"},
        {"usr/lib/sysimage/libdnf5/**", "*"},
        {"var/lib/dnf/**", "*"},
        {"var/lib/yum/**", "*"},
        {"var/cache/dnf/**", "*"},
        {"var/cache/yum/**", "*"},
        {"var/cache/libdnf5/**", "*"},
        {"var/cache/zypp/**", "*"},
        {"var/lib/zypp/**", "*"},
        {"var/log/dnf*", "*"},
        {"var/log/yum.log*", "*"},
        {"var/log/hawkey.log*", "*"},
        {"var/log/zypp/**", "*"},
        {"var/log/zypper.log*", "*"},
};

struct rules {
	const struct rule *rule;
	size_t count;
};

static struct rules rules_of(const struct manifest *manifest)
{
	if (manifest_manager(manifest) == &MANAGER_DPKG)
		return (struct rules){DPKG_RULES, sizeof(DPKG_RULES) / sizeof(DPKG_RULES[0])};
	return (struct rules){RPM_RULES, sizeof(RPM_RULES) / sizeof(RPM_RULES[0])};
}

static bool is_named(struct slice name, struct slice patterns)
{
	struct slice pattern;
	while (text_split(patterns, ' ', &pattern, &patterns))
		if (glob_matches(pattern, name))
			return true;
	return glob_matches(patterns, name);
}

static const struct run_package *find_package(const struct run *run, const char *patterns)
{
	const unsigned WORKED = RUN_UNPACKED | RUN_CONFIGURED | RUN_TRIGGERED;
	for (const struct run_package *one = run->packages; one; one = one->hh.next)
		if ((one->acts & WORKED) && is_named(one->name, slice_text(patterns)))
			return one;
	return NULL;
}

/* --- dpkg's own database --------------------------------------------------------------------- */

/* info/PACKAGE[:ARCH].SUFFIX belongs to what the run unpacked; others have no cause to change. */
static bool is_foreign_info(const struct run *run, struct slice path)
{
	static const char INFO[] = "/var/lib/dpkg/info/";
	if (!slice_starts_with(path, slice_text(INFO)))
		return false;
	struct slice name = slice_of(path.ptr + strlen(INFO), path.len - strlen(INFO));
	const uint8_t *dot = memrchr(name.ptr, '.', name.len);
	const uint8_t *colon = memchr(name.ptr, ':', name.len);
	const uint8_t *end = colon ? colon : dot;
	if (!end || slice_is(name, "format-new"))
		return false;
	const struct run_package *package = run_find_name(
	        run, slice_of(name.ptr, (size_t)(end - name.ptr)));
	return !package || !(package->acts & RUN_UNPACKED);
}

static bool explain_by_rule(
        const struct manifest *manifest, const struct change *change, struct explained *out)
{
	const struct run *run = manifest_run(manifest);
	struct slice path = slice_of(change->path.ptr + 1, change->path.len - 1);
	struct rules rules = rules_of(manifest);
	for (size_t i = 0; i < rules.count; i++) {
		const struct rule *rule = &rules.rule[i];
		if (!glob_matches_path(slice_text(rule->path), path))
			continue;
		if (strcmp(rule->package, "*") == 0)
			return !is_foreign_info(run, change->path) &&
			       label_say(NULL, EXPLAINED_GENERATED, out);
		const struct run_package *package = find_package(run, rule->package);
		if (package)
			return label_say(package, EXPLAINED_GENERATED, out);
	}
	return false;
}

/* --- byte-compiled Python -------------------------------------------------------------------- */

/* DIR/__pycache__/NAME.cpython-311.pyc comes from DIR/NAME.py. */
static bool find_source(struct slice path, struct buf *out)
{
	static const char CACHE[] = "/__pycache__/";
	const uint8_t *at = memmem(path.ptr, path.len, CACHE, strlen(CACHE));
	if (!at)
		return false;
	struct slice dir = slice_of(path.ptr, (size_t)(at - path.ptr));
	const uint8_t *name = at + strlen(CACHE);
	size_t len = (size_t)(path.ptr + path.len - name);
	const uint8_t *dot = memmem(name, len, ".cpython-", strlen(".cpython-"));
	if (!dot || memchr(name, '/', len))
		return false;
	buf_reset(out);
	buf_append_slice(out, dir);
	buf_append_byte(out, '/');
	buf_append(out, name, (size_t)(dot - name));
	buf_append_text(out, ".py");
	return true;
}

static uint32_t little_endian_at(const uint8_t *bytes)
{
	uint32_t value;
	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

/* Below the root, and once more if it is a link, whose target is below the root too. */
static bool stat_source(const char *root, struct slice source, struct stat *out)
{
	char name[PATH_MAX], target[PATH_MAX];
	struct buf full = BUF_INIT;
	snprintf(name, sizeof(name), "%s%.*s", root, SLICE_ARG(source));
	if (lstat(name, out) != 0)
		return false;
	if (S_ISLNK(out->st_mode)) {
		ssize_t len = readlink(name, target, sizeof(target));
		link_target(source, slice_of(target, len > 0 ? (size_t)len : 0), &full);
		snprintf(name, sizeof(name), "%s%s", root, buf_text(&full));
		buf_fini(&full);
		if (lstat(name, out) != 0)
			return false;
	}
	return S_ISREG(out->st_mode);
}

/* PEP 552: magic, flags, and for flags 0 the source's time and size. */
static bool has_header_of(const struct manifest *manifest, struct slice path, struct slice source)
{
	char name[PATH_MAX];
	uint8_t header[16];
	struct stat found;
	const char *root = manifest_root(manifest);
	if (!stat_source(root, source, &found))
		return false;
	snprintf(name, sizeof(name), "%s%.*s", root, SLICE_ARG(path));
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t got = read(fd, header, sizeof(header));
	close(fd);
	return got == sizeof(header) && little_endian_at(header + 4) == 0 &&
	       little_endian_at(header + 8) == (uint32_t)found.st_mtim.tv_sec &&
	       little_endian_at(header + 12) == (uint32_t)found.st_size;
}

static bool explain_python(
        const struct manifest *manifest, const struct change *change, struct explained *out)
{
	struct slice path = change->path;
	struct buf source = BUF_INIT;
	bool is_explained = false;
	if (find_source(path, &source)) {
		const struct manifest_entry *entry = manifest_find(manifest, buf_slice(&source));
		bool is_owned = entry || manifest_is_owned(manifest, buf_slice(&source));
		bool is_sound = !change->after || has_header_of(manifest, path, buf_slice(&source));
		const struct run_package *package = entry ? entry->package
		                                          : find_package(manifest_run(manifest),
		                                                    "python3* pypy3* libpython3*");
		is_explained = is_owned && is_sound && package &&
		               label_say(package, EXPLAINED_GENERATED, out);
	}
	buf_fini(&source);
	return is_explained;
}

/* The directory itself, in one that a package of the run lists. */
static bool explain_cache_directory(
        const struct manifest *manifest, const struct change *change, struct explained *out)
{
	static const char CACHE[] = "/__pycache__";
	struct slice path = change->path;
	const struct filestate *state = change->after ? change->after : change->before;
	size_t len = strlen(CACHE);
	bool is_one = state && state->type == FILE_DIRECTORY && path.len > len &&
	              memcmp(path.ptr + path.len - len, CACHE, len) == 0;
	const struct manifest_entry *entry = is_one ? manifest_find(manifest,
	                                                      slice_of(path.ptr, path.len - len))
	                                            : NULL;
	return entry && label_say(entry->package, EXPLAINED_GENERATED, out);
}

/* --- links ----------------------------------------------------------------------------------- */

/* Where the link led last. */
static struct slice target_of(const struct change *change)
{
	const struct filestate *state = change->after ? change->after : change->before;
	return state && state->type == FILE_SYMLINK ? state->target : (struct slice){0};
}

static bool explain_alternative(
        const struct manifest *manifest, const struct change *change, struct explained *out)
{
	struct slice target = target_of(change);
	if (!target.ptr)
		return false;
	if (change->after)
		return manifest_has_link(manifest, change->path, target) &&
		       label_say(NULL, EXPLAINED_GENERATED, out);
	/* Gone together with what it led to; or with the link in /etc/alternatives. */
	bool is_inner = slice_starts_with(change->path, slice_text("/etc/alternatives/"));
	const struct manifest_entry *entry = is_inner ? manifest_find(manifest, target) : NULL;
	if (entry)
		return label_say(entry->package, EXPLAINED_GENERATED, out);
	return slice_starts_with(target, slice_text("/etc/alternatives/")) &&
	       !manifest_has_link(manifest, change->path, target) &&
	       label_say(NULL, EXPLAINED_GENERATED, out);
}

/* Units, sites and the like of a package of the run, enabled or disabled by its scripts. */
static bool explain_enabled(
        const struct manifest *manifest, const struct change *change, struct explained *out)
{
	static const char *const PLACES[] = {"etc/systemd/system/**", "etc/systemd/user/**",
	        "etc/rc?.d/*", "etc/*/*-enabled/*", "etc/fonts/conf.d/*", "etc/php/*/*/conf.d/*"};
	struct slice path = slice_of(change->path.ptr + 1, change->path.len - 1);
	struct slice target = target_of(change);
	struct buf full = BUF_INIT;
	bool is_place = false, is_explained = false;
	for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++)
		is_place |= glob_matches_path(slice_text(PLACES[i]), path);
	if (is_place && target.ptr) {
		link_target(change->path, target, &full);
		const struct manifest_entry *entry = manifest_find(manifest, buf_slice(&full));
		is_explained = entry && label_say(entry->package, EXPLAINED_GENERATED, out);
	} else if (is_place && change->after && change->after->type == FILE_DIRECTORY) {
		is_explained = glob_matches(slice_text("*.wants"), path) ||
		               glob_matches(slice_text("*.requires"), path);
		if (is_explained)
			label_say(NULL, EXPLAINED_GENERATED, out);
	}
	buf_fini(&full);
	return is_explained;
}

bool generated_explains(
        const struct manifest *manifest, const struct change *change, struct explained *out)
{
	return change->path.len > 1 &&
	       (explain_by_rule(manifest, change, out) || explain_python(manifest, change, out) ||
	               explain_cache_directory(manifest, change, out) ||
	               explain_alternative(manifest, change, out) ||
	               explain_enabled(manifest, change, out));
}
