#include "agent/running/reboot.h"

#include <sys/stat.h>
#include <unistd.h>

#include "agent/pkgdb/sources.h"
#include "agent/running/core_packages.h"
#include "agent/running/microcode.h"
#include "agent/source/root.h"
#include "common/base/text.h"

#define PKGS_BYTES_MAX 2048 /* the reasons are one field of a fact */

static bool exists(const char *root, const char *path)
{
	struct buf full = BUF_INIT;
	struct stat info;
	bool is_there = lstat(root_path(root, path, &full), &info) == 0;
	buf_fini(&full);
	return is_there;
}

static void add_reason(struct buf *reasons, const char *reason)
{
	if (reasons->len > 0)
		buf_append_text(reasons, "; ");
	buf_append_text(reasons, reason);
}

static bool has_line(struct slice text, struct slice wanted)
{
	struct slice line;
	while (text_take_line(&text, &line))
		if (slice_equal(line, wanted))
			return true;
	return false;
}

/* A container has the kernel of its host; what is installed in it is never started. */
static bool is_container(const char *root)
{
	static const char *const SIGNS[] = {
	        "/run/systemd/container", "/run/.containerenv", "/.dockerenv"};
	for (size_t i = 0; i < sizeof(SIGNS) / sizeof(SIGNS[0]); i++)
		if (exists(root, SIGNS[i]))
			return true;
	return exists(root, "/proc/vz") && !exists(root, "/proc/bc"); /* OpenVZ */
}

static void add_kernel_reasons(const struct kernels *kernels, struct buf *reasons)
{
	const struct kernel *running = &kernels->running;
	const struct kernel *newest = kernels_newest(kernels);
	const struct kernel *same = kernels_find(kernels, running->release);
	struct buf text = BUF_INIT;
	if (newest && !slice_equal(newest->release, running->release) &&
	        kernel_compare(newest, running) > 0) {
		buf_printf(&text, "a newer kernel is installed: %.*s", SLICE_ARG(newest->release));
		add_reason(reasons, buf_text(&text));
	}
	if (same && same->version.len > 0 && running->version.len > 0 &&
	        !slice_equal(same->version, running->version)) {
		buf_reset(&text);
		buf_printf(&text, "the running kernel's package was replaced: %.*s is %.*s now",
		        SLICE_ARG(running->version), SLICE_ARG(same->version));
		add_reason(reasons, buf_text(&text));
	}
	buf_fini(&text);
}

/* What cannot be read is said by the source of these packages. */
static void add_core_reason(
        const char *root, struct arena *arena, uint64_t boot_s, struct buf *reasons)
{
	struct fact_list facts = {.arena = arena};
	struct buf names = BUF_INIT, text = BUF_INIT, more = BUF_INIT;
	if (boot_s > 0 && src_rpm_read(root, &facts, NULL) >= 0) {
		core_packages_add_configured(root, &more);
		core_packages_since(&facts, buf_slice(&more), boot_s, &names);
	}
	if (names.len > 0) {
		buf_printf(&text, "installed after the boot: %s", buf_text(&names));
		add_reason(reasons, buf_text(&text));
	}
	buf_fini(&names);
	buf_fini(&text);
	buf_fini(&more);
}

/* Debian and Ubuntu list the packages that asked for it, some more than once. */
static void add_file_reason(const char *root, const char *path, struct buf *reasons)
{
	struct buf file = BUF_INIT, list = BUF_INIT, seen = BUF_INIT;
	struct slice line, rest;
	buf_printf(&file, "%s.pkgs", path);
	root_read(root, buf_text(&file), PKGS_BYTES_MAX, &list, NULL);
	add_reason(reasons, path);
	for (rest = buf_slice(&list); text_take_line(&rest, &line);) {
		line = text_trim(line);
		bool is_told = line.len == 0 || has_line(buf_slice(&seen), line);
		if (is_told)
			continue;
		buf_printf(reasons, "%s%.*s", seen.len > 0 ? ", " : " for ", SLICE_ARG(line));
		buf_append_slice(&seen, line);
		buf_append_byte(&seen, '\n');
	}
	buf_fini(&file);
	buf_fini(&list);
	buf_fini(&seen);
}

static void add_microcode_reason(const char *root, struct buf *reasons)
{
	uint32_t runs, installed;
	struct buf text = BUF_INIT;
	if (microcode_is_outdated(root, &runs, &installed)) {
		buf_printf(&text, "microcode 0x%x runs, 0x%x is installed", runs, installed);
		add_reason(reasons, buf_text(&text));
	}
	buf_fini(&text);
}

/* proc_pid_exe(5): the kernel writes " (deleted)" behind the path. */
static bool is_init_deleted(const char *root)
{
	char target[4096];
	struct buf path = BUF_INIT;
	ssize_t len = readlink(root_path(root, "/proc/1/exe", &path), target, sizeof(target));
	buf_fini(&path);
	static const char END[] = " (deleted)";
	size_t end = sizeof(END) - 1;
	return len > (ssize_t)end && memcmp(target + len - end, END, end) == 0;
}

/* To a field of a fact, and not within a character. */
static void cut(struct buf *reasons)
{
	static const char ELLIPSIS[] = " …";
	size_t len = FACT_FIELD_BYTES - (sizeof(ELLIPSIS) - 1);
	if (reasons->len <= FACT_FIELD_BYTES)
		return;
	while (len > 0 && (reasons->data[len] & 0xc0) == 0x80)
		len--;
	reasons->len = len;
	buf_append_text(reasons, ELLIPSIS);
}

void reboot_reasons(
        const char *root, const struct kernels *kernels, uint64_t boot_s, struct buf *reasons)
{
	/* Of Debian and Ubuntu, where /var/run may still be a directory; of SUSE. */
	static const char *const FILES[] = {"/run/reboot-required", "/run/reboot-needed"};
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
		struct buf other = BUF_INIT;
		buf_printf(&other, "/var%s", FILES[i]);
		if (exists(root, FILES[i]) || exists(root, buf_text(&other)))
			add_file_reason(root, FILES[i], reasons);
		buf_fini(&other);
	}
	if (kernels->has_running && !is_container(root)) {
		add_kernel_reasons(kernels, reasons);
		add_core_reason(root, kernels->arena, boot_s, reasons);
		add_microcode_reason(root, reasons);
	}
	if (is_init_deleted(root))
		add_reason(reasons, "PID 1 runs a deleted executable");
	cut(reasons);
}
