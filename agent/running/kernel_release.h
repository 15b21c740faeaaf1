/*
 * kernel_release - which release (uname -r) a package is the image of, and which version of the
 * package runs.
 *
 * How the distributions name them:
 *
 *   dpkg    linux-image-RELEASE, linux-image-unsigned-RELEASE, linux-image-RELEASE-unsigned;
 *           Proxmox: proxmox-kernel-RELEASE[-signed], pve-kernel-RELEASE
 *   rpm     kernel, kernel-core and others: VERSION-RELEASE.ARCH, and "+VARIANT" for builds with
 *           other options (kernel-debug-core, kernel-64k-core; kernel-rt where ".rt" is not in it)
 *           SUSE, kernel-FLAVOUR: VERSION-RELEASE without its last part, -FLAVOUR
 *   apk     linux-FLAVOUR 6.6.30-r0: 6.6.30-0-FLAVOUR
 *   pacman  linux 6.7.4.arch1-1: 6.7.4-arch1-1; linux-FLAVOUR: the same, -FLAVOUR
 *
 * Packages that only depend on the newest image (linux-image-amd64) have no release.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_KERNEL_RELEASE_H
#define TSUJIBAN_AGENT_RUNNING_KERNEL_RELEASE_H

#include "common/base/buf.h"
#include "common/model/fact.h"

#define RELEASE_MAX 255

/* Begins with a digit and is one word. */
bool kernel_is_release(struct slice text);
/* Writes the release over `out`; false when the package is no installed kernel. */
bool kernel_release_of(const struct fact *package, struct buf *out);

/* The exact version of the package that runs, from /proc/version of Debian and Proxmox
 * ("… SMP Debian 6.1.140-1 (2025-05-22)"): a part of the text; absent: it does not say. */
struct slice kernel_version_of_build(struct slice proc_version);
/* The same from Ubuntu's /proc/version_signature, "Ubuntu 5.15.0-91.101-generic 5.15.131", for the
 * release 5.15.0-91-generic. */
struct slice kernel_version_of_signature(struct slice signature, struct slice release);

/* Of the release of a kernel that came as an rpm, whose package is gone: VERSION-RELEASE. */
struct slice kernel_version_of_rpm(struct slice release);

#endif
