/*
 * core_packages - packages of rpm whose new version only a boot brings into use, because everything
 * runs on them: kernel, C library, firmware, PID 1, the bus.
 *
 * The list is that of `dnf needs-restarting -r` (dnf-plugins-core, needs_restarting.py), as is the
 * rule: such a package came after the boot. dpkg's hosts have /run/reboot-required for that.
 *
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_CORE_PACKAGES_H
#define TSUJIBAN_AGENT_RUNNING_CORE_PACKAGES_H

#include "common/base/buf.h"
#include "common/model/factlist.h"

/* Over `out`: names of those that FACT_INSTALL facts of rpm say came after `boot_s` (seconds since
 * 1970), each once, by commas; empty when none did. `more` are names beside those of the list, one
 * a line. */
void core_packages_since(
        const struct fact_list *facts, struct slice more, uint64_t boot_s, struct buf *out);
/* Appends what the host's owner counts among them: the lines of the files
 * /etc/dnf/plugins/needs-restarting.d/NAME.conf. */
void core_packages_add_configured(const char *root, struct buf *more);

#endif
