#include "agent/host/host_dmi.h"

#include "agent/source/hostfile.h"

/* What makers of boards leave in place of a name. */
static bool is_placeholder(struct slice text)
{
	static const char *const WORDS[] = {"To be filled by O.E.M.", "To Be Filled By O.E.M.",
	        "System manufacturer", "System Product Name", "System Serial Number",
	        "Default string", "Not Specified", "Not Available", "Not Applicable", "Unknown",
	        "None", "N/A", "O.E.M.", "OEM", "0", "0123456789", "INVALID"};
	for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++)
		if (slice_is(text, WORDS[i]))
			return true;
	return false;
}

void host_dmi_read(const char *root, struct host_dmi *out)
{
	static const char *const FILES[DMI_COUNT] = {
	        [DMI_SYS_VENDOR] = "/sys/class/dmi/id/sys_vendor",
	        [DMI_PRODUCT_NAME] = "/sys/class/dmi/id/product_name",
	        [DMI_PRODUCT_SERIAL] = "/sys/class/dmi/id/product_serial",
	        [DMI_PRODUCT_UUID] = "/sys/class/dmi/id/product_uuid",
	        [DMI_BOARD_VENDOR] = "/sys/class/dmi/id/board_vendor",
	        [DMI_BOARD_NAME] = "/sys/class/dmi/id/board_name",
	        [DMI_BOARD_ASSET_TAG] = "/sys/class/dmi/id/board_asset_tag",
	        [DMI_CHASSIS_ASSET_TAG] = "/sys/class/dmi/id/chassis_asset_tag",
	        [DMI_BIOS_VENDOR] = "/sys/class/dmi/id/bios_vendor",
	        [DMI_BIOS_VERSION] = "/sys/class/dmi/id/bios_version",
	};
	*out = (struct host_dmi){0};
	for (size_t i = 0; i < DMI_COUNT; i++) {
		struct slice value = hostfile_value(root, FILES[i], &out->text[i]);
		if (!is_placeholder(value))
			out->field[i] = value;
	}
}

void host_dmi_fini(struct host_dmi *dmi)
{
	for (size_t i = 0; i < DMI_COUNT; i++)
		buf_fini(&dmi->text[i]);
}
