/* floor: agent/watch */
/* Whatever stands in mountinfo, each mount has an absolute path. */
#include <assert.h>

#include "agent/watch/mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice text = slice_of(data, len);
	struct buf scratch = BUF_INIT;
	struct mount_line line;
	while (mountinfo_next(&text, &scratch, &line))
		assert(line.point.len > 0 && line.point.len <= len && line.root.len <= len);
	buf_fini(&scratch);
	return 0;
}
