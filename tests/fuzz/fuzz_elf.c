/* floor: agent/apps - any bytes as a program; the first byte picks the name of its file. */
#include "tests/fuzz/app_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const PATHS[] = {
        "/a/server", "/a/php", "/a/mysqld", "/a/python3.11", "/a/redis-server", "/a/haproxy"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		app_check(PATHS[data[0] % (sizeof(PATHS) / sizeof(PATHS[0]))], data + 1, size - 1);
	return 0;
}
