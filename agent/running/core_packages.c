#include "agent/running/core_packages.h"

#include "common/base/text.h"

static const char *const NAMES[] = {"kernel", "kernel-core", "kernel-rt", "glibc", "linux-firmware",
        "systemd", "dbus", "dbus-broker", "dbus-daemon", "microcode_ctl"};

static bool is_since(const struct fact *fact, const char *name, uint64_t boot_s)
{
	uint64_t time_s;
	return fact->kind == FACT_INSTALL && slice_is(fact->field[INSTALL_MANAGER], "rpm") &&
	       slice_is(fact->field[INSTALL_NAME], name) &&
	       text_parse_u64(fact->field[INSTALL_TIME], UINT64_MAX, &time_s) && time_s > boot_s;
}

void core_packages_since(const struct fact_list *facts, uint64_t boot_s, struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		for (size_t k = 0; k < facts->count; k++) {
			if (!is_since(&facts->fact[k], NAMES[i], boot_s))
				continue;
			buf_printf(out, "%s%s", out->len > 0 ? ", " : "", NAMES[i]);
			break;
		}
	}
}
