/* floor: common/model - version numbers of a package database: three lines, compared by each
 * scheme */
#include <stdlib.h>

#include "common/base/text.h"
#include "common/model/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int order_of(enum version_scheme scheme, struct slice a, struct slice b)
{
	int there = version_compare(scheme, a, b);
	int back = version_compare(scheme, b, a);
	if ((there > 0) != (back < 0) || (there < 0) != (back > 0))
		abort();
	return there;
}

static void check(enum version_scheme scheme, const struct slice version[3])
{
	for (int i = 0; i < 3; i++) {
		if (order_of(scheme, version[i], version[i]) != 0)
			abort();
		version_is_valid(scheme, version[i]);
	}
	int ab = order_of(scheme, version[0], version[1]);
	int bc = order_of(scheme, version[1], version[2]);
	int ac = order_of(scheme, version[0], version[2]);
	bool is_broken = (ab <= 0 && bc <= 0 && ac > 0) || (ab >= 0 && bc >= 0 && ac < 0) ||
	                 (ab == 0 && bc == 0 && ac != 0);
	if (is_broken)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), version[3] = {{0}};
	for (int i = 0; i < 3; i++)
		text_take_line(&in, &version[i]);
	unsigned scheme = 1;
	while (strcmp(version_scheme_name((enum version_scheme)scheme), "unknown") != 0)
		check((enum version_scheme)scheme++, version);
	return 0;
}
