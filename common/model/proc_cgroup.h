/*
 * proc_cgroup - which container and which unit a process runs in, from /proc/PID/cgroup.
 *
 * Format   cgroups(7): lines "HIERARCHY:CONTROLLERS:/PATH". What container managers put there:
 *
 *            docker-ID.scope, libpod-ID.scope, crio-ID.scope, cri-containerd-ID.scope,
 *            containerd-ID.scope, nerdctl-ID.scope    systemd's driver, anywhere
 *            /docker/ID, /kubepods…/…/ID, /libpod_parent/…, /ecs/…/ID      the cgroupfs driver
 *            /lxc/NAME, /lxc.payload.NAME, /lxc.payload/NAME
 *            /machine.slice/machine-NAME.scope, /machine.slice/systemd-nspawn@NAME.service
 *
 *          ID is 12 to 64 hex digits. Of containers in containers the innermost counts.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_PROC_CGROUP_H
#define TSUJIBAN_COMMON_MODEL_PROC_CGROUP_H

#include "common/base/slice.h"

#define PROC_CGROUP_BYTES 8192 /* a dozen hierarchies of kubernetes paths */

/* The container's id or name, a part of `text`; absent: none. */
struct slice proc_cgroup_container(struct slice text);
/* The service or scope of systemd, within the container where it is in one: "nginx.service",
 * "session-3.scope", "init.scope"; of a user's own services the manager, "user@1000.service".
 * A part of `text`; absent: none. */
struct slice proc_cgroup_unit(struct slice text);

#endif
