/* floor: agent/inventory - any bytes as a file that says which packages are held: the first byte
 * picks whose. Patterns are taken or left out, never a crash, and each can be asked about. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/pkgdb/holds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(struct holds *holds, uint8_t whose, struct slice text)
{
	static const char *const KEYS[] = {"exclude", "IgnorePkg", NULL};
	switch (whose % 5) {
	case 0:
		holds_take_versionlock(holds, text);
		break;
	case 1:
		holds_take_toml(holds, text);
		break;
	case 2:
		holds_take_zypp(holds, text);
		break;
	case 3:
		holds_take_world(holds, text);
		break;
	default:
		holds_take_ini(holds, text, "main", KEYS);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct holds holds = HOLDS_INIT;
	if (size == 0)
		return 0;
	take(&holds, data[0], slice_of(data + 1, size - 1));
	if (holds.count > HOLDS_MAX)
		abort();
	holds_has(&holds, slice_text("bash"), slice_text("bash-5.2.15-3.fc38.x86_64"));
	holds_fini(&holds);
	return 0;
}
