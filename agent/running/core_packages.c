#include "agent/running/core_packages.h"

#include "agent/source/folder.h"
#include "common/base/text.h"

static const char *const NAMES[] = {"kernel", "kernel-core", "kernel-rt", "glibc", "linux-firmware",
        "systemd", "dbus", "dbus-broker", "dbus-daemon", "microcode_ctl"};

#define CONFIGURED_DIR   "/etc/dnf/plugins/needs-restarting.d"
#define CONFIGURED_BYTES (64u << 10) /* of one file, and of all */

static bool is_since(const struct fact *fact, struct slice name, uint64_t boot_s)
{
	uint64_t time_s;
	return fact->kind == FACT_INSTALL && slice_is(fact->field[INSTALL_MANAGER], "rpm") &&
	       slice_equal(fact->field[INSTALL_NAME], name) &&
	       text_parse_u64(fact->field[INSTALL_TIME], UINT64_MAX, &time_s) && time_s > boot_s;
}

static void add_if_since(
        const struct fact_list *facts, struct slice name, uint64_t boot_s, struct buf *out)
{
	for (size_t i = 0; i < facts->count; i++) {
		if (!is_since(&facts->fact[i], name, boot_s))
			continue;
		buf_printf(out, "%s%.*s", out->len > 0 ? ", " : "", SLICE_ARG(name));
		return;
	}
}

static bool is_listed(struct slice name)
{
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (slice_is(name, NAMES[i]))
			return true;
	return false;
}

void core_packages_since(
        const struct fact_list *facts, struct slice more, uint64_t boot_s, struct buf *out)
{
	struct slice line;
	buf_reset(out);
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		add_if_since(facts, slice_text(NAMES[i]), boot_s, out);
	while (text_take_line(&more, &line)) {
		line = text_trim(line);
		if (line.len > 0 && line.ptr[0] != '#' && !is_listed(line))
			add_if_since(facts, line, boot_s, out);
	}
}

void core_packages_add_configured(const char *root, struct buf *more)
{
	struct folder folder;
	struct buf text = BUF_INIT;
	struct slice stem;
	const char *name;
	if (folder_open(root, CONFIGURED_DIR, &folder, NULL) == 0) {
		while (more->len < CONFIGURED_BYTES && folder_next(&folder, &name, NULL) > 0) {
			if (!folder_stem(name, ".conf", &stem) ||
			        folder_read(&folder, name, CONFIGURED_BYTES, &text, NULL) < 0)
				continue;
			buf_append_slice(more, buf_slice(&text));
			buf_append_byte(more, '\n');
		}
	}
	folder_close(&folder);
	buf_fini(&text);
}
