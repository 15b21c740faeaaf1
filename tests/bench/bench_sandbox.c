/* floor: common/confine */
/*
 * How many system calls each process may use, of how many this kernel's architecture has.
 */
#include <stdio.h>

#include "common/confine/confine.h"

int main(void)
{
	static const char *const NAMES[] = {
	        [CONFINE_READER] = "reads",
	        [CONFINE_STARTER] = "starts",
	        [CONFINE_SENDER] = "sends",
	        [CONFINE_COLLECTOR] = "collector",
	};
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		printf("%s %zu\n", NAMES[i], confine_count_calls((enum confine_profile)i));
	return 0;
}
