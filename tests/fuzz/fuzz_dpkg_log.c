/* floor: agent/packages - any bytes as dpkg's log: taken line by line, never a crash; what is taken
 * is found again. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/packages/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reason why;
	struct run *run = run_new();
	if (run_take(run, slice_of(data, size), &why) == 0) {
		run_seal(run);
		for (struct run_package *one = run->packages; one; one = one->hh.next)
			if (run_find(run, one->id) != one || !run_find_name(run, one->name))
				abort();
	}
	run_free(run);
	return 0;
}
