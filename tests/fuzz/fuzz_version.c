/* floor: common/model - version numbers of a package database: three lines, compared */
#include <stdlib.h>

#include "common/base/text.h"
#include "common/model/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int order_of(struct slice a, struct slice b)
{
	int there = version_compare(VERSION_DPKG, a, b);
	int back = version_compare(VERSION_DPKG, b, a);
	if ((there > 0) != (back < 0) || (there < 0) != (back > 0))
		abort();
	return there;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), version[3] = {{0}};
	for (int i = 0; i < 3; i++)
		text_take_line(&in, &version[i]);
	for (int i = 0; i < 3; i++) {
		if (order_of(version[i], version[i]) != 0)
			abort();
		version_is_valid(VERSION_DPKG, version[i]);
	}
	int ab = order_of(version[0], version[1]), bc = order_of(version[1], version[2]);
	int ac = order_of(version[0], version[2]);
	bool is_broken = (ab <= 0 && bc <= 0 && ac > 0) || (ab >= 0 && bc >= 0 && ac < 0) ||
	                 (ab == 0 && bc == 0 && ac != 0);
	if (is_broken)
		abort();
	return 0;
}
