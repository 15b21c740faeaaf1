/*
 * reboot - whether a host should be started again, and why.
 *
 *   a file         /run/reboot-required and the packages that asked for it (Debian, Ubuntu),
 *                  /run/reboot-needed (SUSE)
 *   the kernel     a newer one is installed, or the running one's package was replaced
 *   core packages  of rpm, installed after the boot (core_packages.h)
 *   microcode      newer than what runs (microcode.h)
 *   PID 1          runs a deleted executable
 *
 * A container has the kernel of its host: only files and PID 1 count there.
 *
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_REBOOT_H
#define TSUJIBAN_AGENT_RUNNING_REBOOT_H

#include "agent/running/kernels.h"
#include "common/base/buf.h"

/* Appends the reasons, joined by "; ", as many as a field of a fact takes: nothing when there are
 * none. `boot_s`: when the kernel started, seconds since 1970; 0: not known. */
void reboot_reasons(
        const char *root, const struct kernels *kernels, uint64_t boot_s, struct buf *reasons);

#endif
