/*
 * buf - bytes that grow at the end and are taken from the front.
 *
 * Life     BUF_INIT or buf_init -> append*, consume*, reset* -> buf_fini.
 * Owner    owns its memory; data[0..len) is valid until the next call that appends.
 * Errors   none: see mem.h.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_COMMON_BASE_BUF_H
#define TSUJIBAN_COMMON_BASE_BUF_H

#include <stdarg.h>

#include "common/base/slice.h"

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
};

#define BUF_INIT ((struct buf){0})

void buf_init(struct buf *buf);
void buf_fini(struct buf *buf);
/* Empties it and keeps the memory; buf_shrink gives memory beyond `keep_bytes` back as well. */
void buf_reset(struct buf *buf);
void buf_shrink(struct buf *buf, size_t keep_bytes);

/* Room for `more` bytes behind data[len); the caller writes there and adds to len itself. */
uint8_t *buf_reserve(struct buf *buf, size_t more);
void buf_append(struct buf *buf, const void *ptr, size_t len);
void buf_append_slice(struct buf *buf, struct slice slice);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_byte(struct buf *buf, uint8_t byte);
/* Unsigned integers in network order (big endian), so that they sort as bytes. */
void buf_append_u16(struct buf *buf, uint16_t value);
void buf_append_u32(struct buf *buf, uint32_t value);
void buf_append_u64(struct buf *buf, uint64_t value);
/* LEB128, 1 to 10 bytes, as protobuf's varint. */
void buf_append_varint(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
        __attribute__((format(printf, 2, 0)));
/* Ends data with a NUL byte that does not count in len, and returns data as text. */
const char *buf_text(struct buf *buf);

/* Drops `len` bytes (at most buf->len) from the front. */
void buf_consume(struct buf *buf, size_t len);

static inline struct slice buf_slice(const struct buf *buf)
{
	return slice_of(buf->data, buf->len);
}

/*
 * Reading the same integers back. Each takes from the front of `*in` and returns false, with
 * nothing taken, when there is too little (or, for a varint, no end within 10 bytes).
 */
bool slice_take(struct slice *in, size_t len, struct slice *out);
bool slice_take_byte(struct slice *in, uint8_t *out);
bool slice_take_u16(struct slice *in, uint16_t *out);
bool slice_take_u32(struct slice *in, uint32_t *out);
bool slice_take_u64(struct slice *in, uint64_t *out);
bool slice_take_long_varint(struct slice *in, uint64_t *out);
/* Most are of one byte. */
static inline bool slice_take_varint(struct slice *in, uint64_t *out)
{
	if (in->len == 0 || in->ptr[0] & 0x80)
		return slice_take_long_varint(in, out);
	*out = in->ptr[0];
	in->ptr++;
	in->len--;
	return true;
}

#endif
