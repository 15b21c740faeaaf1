/* floor: common/codec - a payload of the kind in the low half of its first byte; a batch's events
 * as well. What is taken has to encode to something that is taken again. The high half makes the
 * arena small, so that unpacking and merging break off at any of their allocations. */
#include <assert.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/codec/wire.h"

#define ARENA_BYTES (4u << 20)
#define SMALL_BYTES 192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_event(struct slice bytes, struct arena *arena, struct buf *scratch)
{
	struct event event, again;
	struct reason why;
	if (wire_event_decode(bytes, arena, &event, &why) != 0)
		return;
	buf_reset(scratch);
	/* Only the size may differ: an encoding with fields left out or merged is never longer. */
	int rc = wire_event_encode(&event, scratch);
	assert(rc == 0);
	rc = wire_event_decode(buf_slice(scratch), arena, &again, &why);
	assert(rc == 0 || rc == ERR_LIMIT);
}

static void try_message(
        enum frame_kind kind, struct slice payload, struct arena *arena, struct buf *scratch)
{
	struct message message, again;
	struct reason why;
	if (wire_decode(kind, payload, arena, &message, &why) != 0)
		return;
	if (kind == FRAME_BATCH) {
		for (size_t i = 0; i < message.batch.count; i++)
			try_event(message.batch.events[i], arena, scratch);
	}
	buf_reset(scratch);
	int rc = wire_encode(&message, scratch);
	assert(rc == 0);
	rc = wire_decode(kind, buf_slice(scratch), arena, &again, &why);
	assert(rc == 0 || rc == ERR_LIMIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum frame_kind kind = (enum frame_kind)(data[0] & 0xf);
	size_t steps = data[0] >> 4;
	struct arena *arena = arena_new(steps ? steps * SMALL_BYTES : ARENA_BYTES);
	struct buf scratch = BUF_INIT;
	struct slice rest = slice_of(data + 1, size - 1);
	try_message(kind, rest, arena, &scratch);
	if (kind == 0)
		try_event(rest, arena, &scratch);
	buf_fini(&scratch);
	arena_free(arena);
	return 0;
}
