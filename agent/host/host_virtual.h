/*
 * host_virtual - whether a host is a virtual machine or a container, and in which cloud.
 *
 * From files alone; of the host itself the processor is asked too (cpuid), where no file says which
 * hypervisor it is that the flag tells of.
 *
 * Thread   any.
 */
#ifndef TSUJIBAN_AGENT_HOST_HOST_VIRTUAL_H
#define TSUJIBAN_AGENT_HOST_HOST_VIRTUAL_H

#include "agent/host/host_dmi.h"

/* "kvm", "qemu" (without help of a processor), "vmware", "xen", "hyperv", "virtualbox", "bhyve",
 * "parallels", "bochs", "apple", "other"; "none" on the bare machine; NULL: nothing tells. */
const char *host_virtualisation(const char *root, const struct host_dmi *dmi, struct slice cpuinfo);

/* Writes "docker", "podman", "lxc", "systemd-nspawn", "openvz", "wsl" or what its manager has put
 * into PID 1's environment over `out`; nothing: it is none. */
void host_container(const char *root, struct buf *out);

/* Writes the cloud by the name that cloud-init has for it ("aws", "gce", "azure", "hetzner", …) and
 * the instance's id over them; nothing: none is known. */
void host_cloud(
        const char *root, const struct host_dmi *dmi, struct buf *out_cloud, struct buf *out_id);

#endif
