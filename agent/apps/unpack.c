#include "agent/apps/unpack.h"

#include <zlib.h>

#define PIECE_BYTES 16384

struct unpacker {
	const struct extent *packed;
	uint64_t at; /* of what is read next */
	uint8_t piece[PIECE_BYTES];
	z_stream stream;
};

static int feed(struct unpacker *unpacker, struct reason *out_why)
{
	uint64_t left = unpacker->packed->size - unpacker->at;
	size_t len = left < PIECE_BYTES ? left : PIECE_BYTES;
	if (len == 0)
		return fail(out_why, ERR_FORMAT, "packed bytes that are cut");
	int rc = extent_read(unpacker->packed, unpacker->at, unpacker->piece, len, out_why);
	if (rc < 0)
		return rc;
	unpacker->at += len;
	unpacker->stream.next_in = unpacker->piece;
	unpacker->stream.avail_in = (uInt)len;
	return 0;
}

/* One byte of room beyond the limit tells "just so many" from "more". */
static int unpack_all(
        struct unpacker *unpacker, size_t limit_bytes, struct buf *out, struct reason *out_why)
{
	z_stream *stream = &unpacker->stream;
	for (;;) {
		int rc = stream->avail_in == 0 ? feed(unpacker, out_why) : 0;
		if (rc < 0)
			return rc;
		size_t left = limit_bytes + 1 - out->len;
		size_t room = left < PIECE_BYTES ? left : PIECE_BYTES;
		stream->next_out = buf_reserve(out, room);
		stream->avail_out = (uInt)room;
		int code = inflate(stream, Z_NO_FLUSH);
		out->len += room - stream->avail_out;
		if (out->len > limit_bytes)
			return fail(
			        out_why, ERR_LIMIT, "more than %zu unpacked bytes", limit_bytes);
		if (code == Z_STREAM_END)
			return 0;
		if (code != Z_OK && !(code == Z_BUF_ERROR && stream->avail_in == 0))
			return fail(out_why, ERR_FORMAT, "packed bytes that are damaged");
	}
}

int unpack(const struct extent *packed, enum unpack_form form, size_t limit_bytes, struct buf *out,
        struct reason *out_why)
{
	struct unpacker unpacker = {.packed = packed};
	buf_reset(out);
	/* A negative number of bits: without zlib's header and sum. */
	int bits = form == UNPACK_ZLIB ? MAX_WBITS : -MAX_WBITS;
	if (inflateInit2(&unpacker.stream, bits) != Z_OK)
		return fail(out_why, ERR_LIMIT, "no memory to unpack with");
	int rc = unpack_all(&unpacker, limit_bytes, out, out_why);
	inflateEnd(&unpacker.stream);
	return rc;
}
