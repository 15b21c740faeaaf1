/* floor: agent/inventory - any bytes as a file of microcode: the first byte picks whose. */
#include <stdint.h>

#include "agent/running/microcode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct processor processor = {.family = 6, .model = 94, .stepping = 3, .flags = 2};
	if (size == 0)
		return 0;
	struct slice file = slice_of(data + 1, size - 1);
	if (data[0] % 3 == 0) {
		microcode_of_intel(file, &processor);
	} else if (data[0] % 3 == 1) {
		processor.family = 23;
		microcode_of_amd(file, &processor);
	} else {
		microcode_parse_cpuinfo(file, &processor);
	}
	return 0;
}
