/*
 * wire_protobuf - what wire_*.c share of protobuf-c: memory from an arena, bytes as slices, caps.
 *
 * Relied on, and held by the tests: the packed form has the fields in the order of their numbers,
 * zero and empty ones left out, so that equal values have equal bytes. Of a field given twice the
 * last one counts, a part given twice is merged, unknown fields are skipped.
 *
 * Owner    what is unpacked lives in the arena, nothing in it points into the packed bytes.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_CODEC_WIRE_PROTOBUF_H
#define TSUJIBAN_COMMON_CODEC_WIRE_PROTOBUF_H

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

/* NULL with ERR_LIMIT in `*out_rc` when the arena is full, with ERR_FORMAT when the bytes are no
 * message of the type; the reason names the type. */
void *wire_unpack(const ProtobufCMessageDescriptor *type, struct slice bytes, struct arena *arena,
        int *out_rc, struct reason *out_why);
/* Appends the packed message; ERR_LIMIT, with nothing appended, above `limit_bytes`. */
int wire_pack(const ProtobufCMessage *message, size_t limit_bytes, struct buf *out);

/* Between the two forms of borrowed bytes. protobuf-c does not write to what it packs; an empty
 * field is an absent slice. */
static inline ProtobufCBinaryData wire_bytes(struct slice slice)
{
	return (ProtobufCBinaryData){.len = slice.len, .data = (uint8_t *)slice.ptr};
}

static inline struct slice wire_slice(ProtobufCBinaryData bytes)
{
	return slice_of(bytes.len > 0 ? bytes.data : NULL, bytes.len);
}

/* ERR_LIMIT above `max` bytes; a text has to be UTF-8 without NUL bytes as well: ERR_FORMAT. */
int wire_check_bytes(const char *field, struct slice bytes, size_t max, struct reason *out_why);
int wire_check_text(const char *field, struct slice text, size_t max, struct reason *out_why);

#endif
