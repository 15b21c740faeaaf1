/*
 * What has been done to the running kernel: the modules that are loaded, the patches that were
 * applied to it while it runs, and what it does against faults of the processor.
 *
 * sysfs of a kernel without modules, live patches or that list of faults has no such directory:
 * there is nothing to tell then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/running/proc_modules.h"
#include "agent/source/root.h"
#include "agent/running/sources.h"
#include "common/base/text.h"

#define MODULES_FILE      "/proc/modules"
#define MODULES_BYTES_MAX (1u << 20)
#define MODULE_DIR        "/sys/module/"
#define MITIGATIONS_DIR   "/sys/devices/system/cpu/vulnerabilities"
#define VALUE_MAX         1024
#define ENTRIES_MAX       1024 /* of a directory of sysfs; far more than there are */
#define OBJECTS_MAX       256  /* that one patch changes: modules of the kernel */

/* Linux's own, and that of the kpatch module which was there before it, in its two forms. */
static const char *const LIVEPATCH_DIRS[] = {
        "/sys/kernel/livepatch", "/sys/kernel/kpatch/patches", "/sys/kernel/kpatch"};
#define LIVEPATCH_DIR_COUNT (sizeof(LIVEPATCH_DIRS) / sizeof(LIVEPATCH_DIRS[0]))

/* The content of DIR/NAME/FILE without the line's end; empty when there is none. */
static struct slice read_value(const char *root, const char *dir, struct slice name,
        const char *file, struct buf *path, struct buf *text)
{
	buf_reset(path);
	buf_append_text(path, dir);
	buf_append_slice(path, name);
	buf_append_text(path, file);
	if (root_read(root, buf_text(path), VALUE_MAX, text, NULL) < 0)
		return (struct slice){0};
	return text_trim(buf_slice(text));
}

/* --- modules ---------------------------------------------------------------------------------- */

static int add_module(const char *root, const struct proc_module *module, struct fact_list *out)
{
	struct fact fact = {.kind = FACT_MODULE};
	struct buf path = BUF_INIT, version = BUF_INIT, taint = BUF_INIT;
	fact.field[MODULE_NAME] = module->name;
	fact.field[MODULE_VERSION] = read_value(
	        root, MODULE_DIR, module->name, "/version", &path, &version);
	fact.field[MODULE_TAINT] = module->taint;
	if (module->taint.len == 0)
		fact.field[MODULE_TAINT] = read_value(
		        root, MODULE_DIR, module->name, "/taint", &path, &taint);
	int rc = fact_list_add(out, &fact);
	buf_fini(&path);
	buf_fini(&version);
	buf_fini(&taint);
	return rc;
}

static int add_modules(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct buf text = BUF_INIT;
	struct proc_module module;
	int rc = root_read(root, MODULES_FILE, MODULES_BYTES_MAX, &text, out_why);
	struct slice rest = buf_slice(&text);
	while (rc == 0 && proc_modules_take(&rest, &module))
		rc = add_module(root, &module, out);
	buf_fini(&text);
	return rc == -ENOENT ? 0 : rc;
}

/* --- directories of sysfs --------------------------------------------------------------------- */

struct entries {
	const char *root;
	const char *dir;
	struct fact_list *out;
};

/* Calls `add` for each name in the directory; fine when it is not there. */
static int each_entry(const struct entries *entries,
        int (*add)(const struct entries *entries, struct slice name), struct reason *out_why)
{
	struct buf path = BUF_INIT;
	DIR *dir = opendir(root_path(entries->root, entries->dir, &path));
	const struct dirent *entry = NULL;
	size_t count = 0;
	int rc = dir || errno == ENOENT ? 0 : -errno;
	buf_fini(&path);
	if (rc < 0)
		return fail(out_why, rc, "cannot list '%s': %s", entries->dir, err_text(rc));
	while (dir && rc == 0 && count < ENTRIES_MAX && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		rc = add(entries, slice_text(entry->d_name));
		count++;
	}
	if (dir)
		closedir(dir);
	return rc;
}

static int add_mitigation(const struct entries *entries, struct slice name)
{
	struct fact fact = {.kind = FACT_MITIGATION};
	struct buf path = BUF_INIT, text = BUF_INIT;
	fact.field[PAIR_NAME] = name;
	fact.field[PAIR_VALUE] = read_value(
	        entries->root, MITIGATIONS_DIR "/", name, "", &path, &text);
	int rc = fact.field[PAIR_VALUE].len > 0 ? fact_list_add(entries->out, &fact) : 0;
	buf_fini(&path);
	buf_fini(&text);
	return rc;
}

/* --- live patches ----------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	return strcmp(*left, *right);
}

/* What a patch changes ("vmlinux", modules) are its directories. In the order of their names, so
 * that what stays the same looks the same. */
static size_t list_objects(DIR *dir, struct arena *arena, const char *object[OBJECTS_MAX])
{
	const struct dirent *entry = NULL;
	struct stat info;
	size_t count = 0;
	while (count < OBJECTS_MAX && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "power") == 0 ||
		        fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
		        !S_ISDIR(info.st_mode))
			continue;
		object[count] = arena_text(arena, slice_text(entry->d_name));
		if (!object[count])
			break;
		count++;
	}
	qsort(object, count, sizeof(*object), by_text);
	return count;
}

static void join_objects(
        const struct entries *entries, struct slice name, struct buf *path, struct buf *out)
{
	const char *object[OBJECTS_MAX] = {0};
	struct buf below = BUF_INIT;
	buf_append_text(&below, entries->dir);
	buf_append_byte(&below, '/');
	buf_append_slice(&below, name);
	DIR *dir = opendir(root_path(entries->root, buf_text(&below), path));
	size_t count = dir ? list_objects(dir, entries->out->arena, object) : 0;
	for (size_t i = 0; i < count && out->len + strlen(object[i]) < FACT_FIELD_BYTES; i++)
		buf_printf(out, "%s%s", i > 0 ? "," : "", object[i]);
	if (dir)
		closedir(dir);
	buf_fini(&below);
}

static const char *state_of(struct slice enabled, struct slice transition)
{
	if (slice_is(transition, "1"))
		return "transition";
	return slice_is(enabled, "1") ? "enabled" : "disabled";
}

/* A directory without "enabled" is no patch, but the "patches" of kpatch's newer form. */
static int add_livepatch(const struct entries *entries, struct slice name)
{
	struct fact fact = {.kind = FACT_LIVEPATCH};
	struct buf dir = BUF_INIT, path = BUF_INIT, text = BUF_INIT, more = BUF_INIT;
	int rc = 0;
	buf_printf(&dir, "%s/", entries->dir);
	struct slice enabled = read_value(
	        entries->root, buf_text(&dir), name, "/enabled", &path, &text);
	struct slice transition = read_value(
	        entries->root, buf_text(&dir), name, "/transition", &path, &more);
	if (enabled.len > 0) {
		fact.field[LIVEPATCH_NAME] = name;
		fact.field[LIVEPATCH_STATE] = slice_text(state_of(enabled, transition));
		buf_reset(&text);
		join_objects(entries, name, &path, &text);
		fact.field[LIVEPATCH_OBJECTS] = buf_slice(&text);
		rc = fact_list_add(entries->out, &fact);
	}
	buf_fini(&dir);
	buf_fini(&path);
	buf_fini(&text);
	buf_fini(&more);
	return rc;
}

int src_kernel_state_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct entries entries = {.root = root, .dir = MITIGATIONS_DIR, .out = out};
	int rc = add_modules(root, out, out_why);
	if (rc == 0)
		rc = each_entry(&entries, add_mitigation, out_why);
	for (size_t i = 0; rc == 0 && i < LIVEPATCH_DIR_COUNT; i++) {
		entries.dir = LIVEPATCH_DIRS[i];
		rc = each_entry(&entries, add_livepatch, out_why);
	}
	return rc == ERR_LIMIT
	               ? fail(out_why, rc, "cannot read the kernel's state: it is too large")
	               : rc;
}
