/* Small zip archives, entry by entry. What is to lie is changed before zipping_finish. */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_APPS_MAKING_ZIP_H
#define TSUJIBAN_TESTS_UNIT_AGENT_APPS_MAKING_ZIP_H

#include <zlib.h>

#include "common/base/buf.h"

#define ZIPPING_ENTRIES 16

/* Places in an entry of the directory. */
#define ZIPPING_FLAGS   8
#define ZIPPING_METHOD  10
#define ZIPPING_CRC     16
#define ZIPPING_PACKED  20
#define ZIPPING_SIZE    24
#define ZIPPING_COMMENT 32
#define ZIPPING_PLACE   42

struct zipping {
	struct buf out, directory;
	size_t count;
	size_t entry_at[ZIPPING_ENTRIES]; /* in directory */
	bool is_64;
};

static inline void zipping_number(struct buf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++, value >>= 8)
		buf_append_byte(out, (uint8_t)value);
}

static inline void zipping_change(uint8_t *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static inline void zipping_deflate(struct slice bytes, struct buf *out)
{
	z_stream stream = {.next_in = (Bytef *)bytes.ptr, .avail_in = (uInt)bytes.len};
	deflateInit2(&stream, 1, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
	size_t room = deflateBound(&stream, bytes.len);
	stream.next_out = buf_reserve(out, room);
	stream.avail_out = (uInt)room;
	deflate(&stream, Z_FINISH);
	out->len += stream.total_out;
	deflateEnd(&stream);
}

static inline void zipping_head(struct buf *out, bool is_deflated, uint32_t crc, size_t packed,
        size_t size, size_t name, size_t extra)
{
	zipping_number(out, 0, 2);
	zipping_number(out, is_deflated ? 8 : 0, 2);
	zipping_number(out, 0, 4);
	zipping_number(out, crc, 4);
	zipping_number(out, packed, 4);
	zipping_number(out, size, 4);
	zipping_number(out, name, 2);
	zipping_number(out, extra, 2);
}

/* `packed` is what stands in the archive, of `size` bytes with this sum. */
static inline void zipping_put(struct zipping *zip, struct slice name, struct slice packed,
        size_t size, uint32_t crc, bool is_deflated)
{
	size_t place = zip->out.len, extra = zip->is_64 ? 28 : 0;
	zip->entry_at[zip->count++] = zip->directory.len;
	buf_append_text(&zip->out, "PK\3\4");
	zipping_number(&zip->out, 20, 2);
	zipping_head(&zip->out, is_deflated, crc, packed.len, size, name.len, 0);
	buf_append_slice(&zip->out, name);
	buf_append_slice(&zip->out, packed);
	struct buf *directory = &zip->directory;
	buf_append_text(directory, "PK\1\2");
	zipping_number(directory, 20, 2);
	zipping_number(directory, 20, 2);
	zipping_head(directory, is_deflated, crc, zip->is_64 ? UINT32_MAX : packed.len,
	        zip->is_64 ? UINT32_MAX : size, name.len, extra);
	zipping_number(directory, 0, 10);
	zipping_number(directory, zip->is_64 ? UINT32_MAX : place, 4);
	buf_append_slice(directory, name);
	if (zip->is_64) {
		zipping_number(directory, 1, 2);
		zipping_number(directory, 24, 2);
		zipping_number(directory, size, 8);
		zipping_number(directory, packed.len, 8);
		zipping_number(directory, place, 8);
	}
}

static inline void zipping_add(
        struct zipping *zip, struct slice name, struct slice bytes, bool is_deflated)
{
	struct buf packed = BUF_INIT;
	uint32_t crc = (uint32_t)crc32_z(0, bytes.ptr, bytes.len);
	if (is_deflated)
		zipping_deflate(bytes, &packed);
	zipping_put(
	        zip, name, is_deflated ? buf_slice(&packed) : bytes, bytes.len, crc, is_deflated);
	buf_fini(&packed);
}

static inline void zipping_text(struct zipping *zip, const char *name, const char *text)
{
	zipping_add(zip, slice_text(name), slice_text(text), true);
}

/* The field of an entry in the directory. */
static inline uint8_t *zipping_field(struct zipping *zip, size_t entry, size_t field)
{
	return zip->directory.data + zip->entry_at[entry] + field;
}

static inline struct slice zipping_finish(struct zipping *zip)
{
	size_t directory = zip->out.len;
	buf_append_slice(&zip->out, buf_slice(&zip->directory));
	if (zip->is_64) {
		size_t end = zip->out.len;
		buf_append_text(&zip->out, "PK\6\6");
		zipping_number(&zip->out, 44, 8);
		zipping_number(&zip->out, 45, 2);
		zipping_number(&zip->out, 45, 2);
		zipping_number(&zip->out, 0, 8);
		zipping_number(&zip->out, zip->count, 8);
		zipping_number(&zip->out, zip->count, 8);
		zipping_number(&zip->out, zip->directory.len, 8);
		zipping_number(&zip->out, directory, 8);
		buf_append_text(&zip->out, "PK\6\7");
		zipping_number(&zip->out, 0, 4);
		zipping_number(&zip->out, end, 8);
		zipping_number(&zip->out, 1, 4);
	}
	buf_append_text(&zip->out, "PK\5\6");
	zipping_number(&zip->out, 0, 4);
	zipping_number(&zip->out, zip->is_64 ? 0xffff : zip->count, 2);
	zipping_number(&zip->out, zip->is_64 ? 0xffff : zip->count, 2);
	zipping_number(&zip->out, zip->is_64 ? UINT32_MAX : zip->directory.len, 4);
	zipping_number(&zip->out, zip->is_64 ? UINT32_MAX : directory, 4);
	zipping_number(&zip->out, 0, 2);
	return buf_slice(&zip->out);
}

static inline void zipping_fini(struct zipping *zip)
{
	buf_fini(&zip->out);
	buf_fini(&zip->directory);
	*zip = (struct zipping){0};
}

#endif
