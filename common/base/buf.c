#include "common/base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"

#define CAP_MIN 64

void buf_init(struct buf *buf)
{
	*buf = BUF_INIT;
}

void buf_fini(struct buf *buf)
{
	if (!buf)
		return;
	free(buf->data);
	*buf = BUF_INIT;
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
}

void buf_shrink(struct buf *buf, size_t keep_bytes)
{
	buf->len = 0;
	if (buf->cap <= keep_bytes)
		return;
	/* Not realloc: it may copy, and nothing in there is wanted. */
	free(buf->data);
	*buf = BUF_INIT;
	if (keep_bytes)
		buf_reserve(buf, keep_bytes);
}

uint8_t *buf_reserve(struct buf *buf, size_t more)
{
	if (more <= buf->cap - buf->len && buf->data)
		return buf->data + buf->len;
	size_t need;
	if (__builtin_add_overflow(buf->len, more, &need))
		need = SIZE_MAX; /* refused by mem_resize */
	size_t cap = buf->cap <= SIZE_MAX / 2 ? buf->cap * 2 : SIZE_MAX;
	if (cap < CAP_MIN)
		cap = CAP_MIN;
	if (cap < need)
		cap = need;
	buf->data = mem_resize(buf->data, cap);
	buf->cap = cap;
	return buf->data + buf->len;
}

void buf_append(struct buf *buf, const void *ptr, size_t len)
{
	if (!len)
		return;
	memcpy(buf_reserve(buf, len), ptr, len);
	buf->len += len;
}

void buf_append_slice(struct buf *buf, struct slice slice)
{
	buf_append(buf, slice.ptr, slice.len);
}

void buf_append_text(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void buf_append_byte(struct buf *buf, uint8_t byte)
{
	*buf_reserve(buf, 1) = byte;
	buf->len++;
}

static void append_big_endian(struct buf *buf, uint64_t value, unsigned bytes)
{
	uint8_t *out = buf_reserve(buf, bytes);
	for (unsigned i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	buf->len += bytes;
}

void buf_append_u16(struct buf *buf, uint16_t value)
{
	append_big_endian(buf, value, 2);
}

void buf_append_u32(struct buf *buf, uint32_t value)
{
	append_big_endian(buf, value, 4);
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
	append_big_endian(buf, value, 8);
}

void buf_append_varint(struct buf *buf, uint64_t value)
{
	uint8_t *out = buf_reserve(buf, 10);
	size_t len = 0;
	while (value >= 0x80) {
		out[len++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	out[len++] = (uint8_t)value;
	buf->len += len;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	buf_vprintf(buf, format, args);
	va_end(args);
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	uint8_t *out = buf_reserve(buf, CAP_MIN);
	size_t room = buf->cap - buf->len;
	int len = vsnprintf((char *)out, room, format, args);
	if (len >= 0 && (size_t)len >= room) {
		out = buf_reserve(buf, (size_t)len + 1);
		len = vsnprintf((char *)out, (size_t)len + 1, format, again);
	}
	va_end(again);
	/* Only a wide character that the locale lacks, or 2 GiB of text, could make it fail. */
	assert(len >= 0);
	buf->len += len > 0 ? (size_t)len : 0;
}

const char *buf_text(struct buf *buf)
{
	*buf_reserve(buf, 1) = '\0';
	return (const char *)buf->data;
}

void buf_consume(struct buf *buf, size_t len)
{
	if (len >= buf->len) {
		buf->len = 0;
		return;
	}
	if (!len)
		return;
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
}

bool slice_take(struct slice *in, size_t len, struct slice *out)
{
	if (in->len < len)
		return false;
	*out = slice_of(in->ptr, len);
	if (len) {
		in->ptr += len;
		in->len -= len;
	}
	return true;
}

static bool take_big_endian(struct slice *in, unsigned bytes, uint64_t *out)
{
	if (in->len < bytes)
		return false;
	uint64_t value = 0;
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | in->ptr[i];
	in->ptr += bytes;
	in->len -= bytes;
	*out = value;
	return true;
}

bool slice_take_byte(struct slice *in, uint8_t *out)
{
	uint64_t value;
	if (!take_big_endian(in, 1, &value))
		return false;
	*out = (uint8_t)value;
	return true;
}

bool slice_take_u16(struct slice *in, uint16_t *out)
{
	uint64_t value;
	if (!take_big_endian(in, 2, &value))
		return false;
	*out = (uint16_t)value;
	return true;
}

bool slice_take_u32(struct slice *in, uint32_t *out)
{
	uint64_t value;
	if (!take_big_endian(in, 4, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

bool slice_take_u64(struct slice *in, uint64_t *out)
{
	return take_big_endian(in, 8, out);
}

bool slice_take_long_varint(struct slice *in, uint64_t *out)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < 10 && i < in->len; i++) {
		uint8_t byte = in->ptr[i];
		if (i == 9 && byte > 1) /* the tenth has room for one bit only */
			return false;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			in->ptr += i + 1;
			in->len -= i + 1;
			*out = value;
			return true;
		}
	}
	return false;
}
