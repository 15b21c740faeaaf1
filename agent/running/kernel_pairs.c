#include "agent/running/kernel_pairs.h"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/pkgdb/sources.h"
#include "agent/running/core_packages.h"
#include "agent/running/kernels.h"
#include "agent/running/microcode.h"
#include "agent/running/proc_modules.h"
#include "agent/source/root.h"
#include "common/base/text.h"

#define KERNELS_BYTES_MAX (64u << 20) /* all packages of rpm, for those that matter */
#define STAT_BYTES_MAX    (4u << 20)  /* a line a processor, one with a number an interrupt */
#define BOOT_ID_BYTES     64
#define PKGS_BYTES_MAX    2048 /* the reasons are one field of a fact */
#define STEP_MOST_S       90   /* a clock is set right by so much without the host having booted */

static int add_pair(struct fact_list *out, const char *name, struct slice value)
{
	struct fact fact = {.kind = FACT_HOST};
	fact.field[PAIR_NAME] = slice_text(name);
	fact.field[PAIR_VALUE] = value;
	return value.len == 0 || value.len > FACT_FIELD_BYTES ? 0 : fact_list_add(out, &fact);
}

/* Empty when there is no such file. */
static struct slice read_text(const char *root, const char *path, struct buf *text)
{
	if (root_read(root, path, FACT_FIELD_BYTES, text, NULL) < 0)
		return (struct slice){0};
	return text_trim(buf_slice(text));
}

static bool exists(const char *root, const char *path)
{
	struct buf full = BUF_INIT;
	struct stat info;
	bool is_there = lstat(root_path(root, path, &full), &info) == 0;
	buf_fini(&full);
	return is_there;
}

/* --- of the running kernel -------------------------------------------------------------------- */

static int add_build(const char *root, struct fact_list *out)
{
	struct utsname host;
	struct buf text = BUF_INIT;
	int rc = 0;
	if (!root_is_host(root))
		rc = add_pair(
		        out, "kernel_build", read_text(root, "/proc/sys/kernel/version", &text));
	else if (uname(&host) == 0)
		rc = add_pair(out, "kernel_build", slice_text(host.version));
	buf_fini(&text);
	return rc;
}

static int add_cmdline(const char *root, struct fact_list *out)
{
	struct buf text = BUF_INIT;
	int rc = add_pair(out, "kernel_cmdline", read_text(root, "/proc/cmdline", &text));
	buf_fini(&text);
	return rc;
}

static int add_taint(const char *root, struct fact_list *out)
{
	struct buf text = BUF_INIT;
	char letters[TAINT_LETTERS_MAX];
	uint64_t tainted = 0;
	int rc = 0;
	if (text_parse_u64(
	            read_text(root, "/proc/sys/kernel/tainted", &text), UINT64_MAX, &tainted))
		rc = add_pair(
		        out, "kernel_tainted", slice_of(letters, taint_letters(tainted, letters)));
	buf_fini(&text);
	return rc;
}

/* --- when it began ---------------------------------------------------------------------------- */

static bool read_btime(const char *root, uint64_t *out)
{
	struct buf text = BUF_INIT;
	struct slice line, name, value;
	bool is_found = false;
	root_read(root, "/proc/stat", STAT_BYTES_MAX, &text, NULL);
	struct slice rest = buf_slice(&text);
	while (!is_found && text_take_line(&rest, &line))
		is_found = text_split(line, ' ', &name, &value) && slice_is(name, "btime") &&
		           text_parse_u64(text_trim(value), UINT32_MAX, out);
	buf_fini(&text);
	return is_found;
}

/* The kernel reckons the time of its start back from the clock's, so that it moves with every step
 * of the clock, by a second or so on many hosts. What was first told of one start stays, unless the
 * clock turns out to have been wrong for real; whole minutes make it likely that an agent that is
 * started again tells the same. */
static uint64_t boot_minute(struct slice boot_id, uint64_t btime)
{
	static char known_id[BOOT_ID_BYTES];
	static uint64_t known_btime;
	uint64_t apart = btime > known_btime ? btime - known_btime : known_btime - btime;
	bool is_known = boot_id.len > 0 && slice_is(boot_id, known_id);
	if ((!is_known || apart > STEP_MOST_S) && boot_id.len < sizeof(known_id)) {
		memset(known_id, 0, sizeof(known_id));
		if (boot_id.len > 0)
			memcpy(known_id, boot_id.ptr, boot_id.len);
		known_btime = btime;
		is_known = true;
	}
	return (is_known ? known_btime : btime) / 60 * 60;
}

static int add_boot_time(const char *root, struct fact_list *out)
{
	struct buf id = BUF_INIT, text = BUF_INIT;
	uint64_t btime = 0;
	int rc = 0;
	if (read_btime(root, &btime)) {
		struct slice boot_id = read_text(root, "/proc/sys/kernel/random/boot_id", &id);
		buf_printf(&text, "%llu", (unsigned long long)boot_minute(boot_id, btime));
		rc = add_pair(out, "boot_time", buf_slice(&text));
	}
	buf_fini(&id);
	buf_fini(&text);
	return rc;
}

/* --- whether it should be started again ------------------------------------------------------- */

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
static void add_core_reason(const char *root, struct arena *arena, struct buf *reasons)
{
	struct fact_list facts = {.arena = arena};
	struct buf names = BUF_INIT, text = BUF_INIT, more = BUF_INIT;
	uint64_t boot_s;
	if (read_btime(root, &boot_s) && src_rpm_read(root, &facts, NULL) == 0) {
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

static void find_reasons(const char *root, const struct kernels *kernels, struct buf *reasons)
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
		add_core_reason(root, kernels->arena, reasons);
		add_microcode_reason(root, reasons);
	}
	if (is_init_deleted(root))
		add_reason(reasons, "PID 1 runs a deleted executable");
}

static int add_kernels(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct arena *arena = arena_new(KERNELS_BYTES_MAX);
	struct buf reasons = BUF_INIT;
	struct kernels kernels;
	int rc = kernels_read(root, arena, &kernels, out_why);
	if (rc == 0 && kernels.is_unsure)
		rc = SOURCE_UNSURE; /* what was said of them before stays */
	if (rc == 0) {
		const struct kernel *newest = kernels_newest(&kernels);
		rc = newest ? add_pair(out, "kernel_newest", newest->release) : 0;
	}
	if (rc == 0) {
		find_reasons(root, &kernels, &reasons);
		rc = add_pair(out, "reboot_required", buf_slice(&reasons));
	}
	buf_fini(&reasons);
	arena_free(arena);
	return rc;
}

int kernel_pairs_add(const char *root, struct fact_list *out, struct reason *out_why)
{
	int told = add_kernels(root, out, out_why);
	int rc = told < 0 ? told : add_cmdline(root, out);
	if (rc == 0)
		rc = add_build(root, out);
	if (rc == 0)
		rc = add_taint(root, out);
	if (rc == 0)
		rc = add_boot_time(root, out);
	return rc == 0 ? told : rc;
}
