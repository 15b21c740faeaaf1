/*
 * host_dmi - what the firmware says of the machine: /sys/class/dmi/id.
 *
 * Format   a file a string. The kernel shows serial numbers and the uuid to root alone; machines
 *          without SMBIOS (most ARM boards, Firecracker) have no such directory.
 * Life     host_dmi_read -> host_dmi_fini.
 * Thread   any.
 */
#ifndef TSUJIBAN_AGENT_HOST_HOST_DMI_H
#define TSUJIBAN_AGENT_HOST_HOST_DMI_H

#include "common/base/buf.h"

enum host_dmi_field {
	DMI_SYS_VENDOR,
	DMI_PRODUCT_NAME,
	DMI_PRODUCT_SERIAL,
	DMI_PRODUCT_UUID,
	DMI_BOARD_VENDOR,
	DMI_BOARD_NAME,
	DMI_BOARD_ASSET_TAG,
	DMI_CHASSIS_ASSET_TAG,
	DMI_BIOS_VENDOR,
	DMI_BIOS_VERSION,
	DMI_COUNT
};

struct host_dmi {
	struct buf text[DMI_COUNT];
	struct slice field[DMI_COUNT]; /* trimmed; empty: it does not say, or a placeholder */
};

void host_dmi_read(const char *root, struct host_dmi *out);
void host_dmi_fini(struct host_dmi *dmi);

#endif
