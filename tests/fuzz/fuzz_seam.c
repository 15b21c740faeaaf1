/* floor: agent/seam - any bytes as what the agent's other half says: refused or taken, never a
 * crash; what is taken says the same when it is said again. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/seam/seam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte is the kind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1u << 20);
	struct seam_message message;
	struct reason why = {""};
	struct buf again = BUF_INIT;
	struct slice in = slice_of(data, size);
	uint8_t kind;
	if (slice_take_byte(&in, &kind)) {
		int rc = seam_decode(kind, in, arena, &message, &why);
		if (rc < 0 && !why.text[0])
			abort();
		if (rc == 0) {
			seam_encode(&message, &again);
			if (message.kind != kind || !slice_equal(buf_slice(&again), in))
				abort();
		}
	}
	buf_fini(&again);
	arena_free(arena);
	return 0;
}
