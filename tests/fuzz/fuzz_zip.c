/* floor: agent/apps - any bytes as a Java archive, whose sums are made right first:
 * hardly a change would come past them otherwise. */
#include <string.h>

#include "tests/fuzz/app_check.h"

#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENTRY 46
#define LOCAL 30

static size_t number(const uint8_t *at, size_t bytes)
{
	size_t value = 0;
	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

/* The sum of what an entry without packing holds. */
static void mend(uint8_t *bytes, size_t size, uint8_t *entry)
{
	size_t place = number(entry + 42, 4), len = number(entry + 24, 4);
	if (number(entry + 10, 2) != 0 || place > size || size - place < LOCAL)
		return;
	const uint8_t *local = bytes + place;
	size_t head = LOCAL + number(local + 26, 2) + number(local + 28, 2);
	if (head > size - place || len > size - place - head)
		return;
	uint32_t crc = (uint32_t)crc32_z(0, local + head, len);
	for (size_t i = 0; i < 4; i++)
		entry[16 + i] = (uint8_t)(crc >> 8 * i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	if (!bytes)
		abort();
	if (size > 0)
		memcpy(bytes, data, size);
	for (size_t at = 0; at + ENTRY <= size; at++)
		if (memcmp(bytes + at, "PK\1\2", 4) == 0)
			mend(bytes, size, bytes + at);
	app_check("/srv/app/log4j-1.2-api-2.17.1.jar", bytes, size);
	free(bytes);
	return 0;
}
