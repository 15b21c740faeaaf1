/* floor: agent/fim - any two texts, parted by the first NUL byte: the diff has hunks that count
 * their lines right, within the limit, and is empty for equal texts only. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/fim/textdiff.h"
#include "tests/unit/agent-fim/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t len = nul ? (size_t)(nul - data) : size;
	struct slice before = slice_of(data, len);
	struct slice after = nul ? slice_of(nul + 1, size - len - 1) : slice_of(data, 0);
	struct arena *arena = arena_new(16u << 20);
	struct buf diff = BUF_INIT, patched = BUF_INIT;
	textdiff_is_text(after);
	if (textdiff(before, after, EVENT_DIFF_BYTES, arena, &diff) == DIFF_NOT_ASKED) {
		if (diff.len > EVENT_DIFF_BYTES || (diff.len == 0) != slice_equal(before, after) ||
		        !patch_applies(before, buf_slice(&diff), &patched) ||
		        !slice_equal(buf_slice(&patched), after))
			abort();
	} else if (diff.len > 0) {
		abort();
	}
	buf_fini(&diff);
	buf_fini(&patched);
	arena_free(arena);
	return 0;
}
