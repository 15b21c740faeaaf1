/* floor: common/codec - frames from the stream, and what is compressed in them. */
#include <assert.h>
#include <stdlib.h>

#include "common/codec/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct buf scratch = BUF_INIT;
	struct frame frame;
	struct slice payload;
	struct reason why;
	int64_t taken;
	while ((taken = frame_parse(in, &frame, &why)) > 0) {
		assert((size_t)taken <= in.len && taken <= FRAME_LENGTH_MAX);
		if (frame_open(&frame, &scratch, &payload, &why) == 0)
			assert(payload.len <= FRAME_PAYLOAD_MAX);
		in = slice_of(in.ptr + taken, in.len - (size_t)taken);
	}
	buf_fini(&scratch);
	return 0;
}
