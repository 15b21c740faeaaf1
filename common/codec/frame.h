/*
 * frame - how messages stand in the byte stream.
 *
 *   offset  size  field
 *   0       4     length of what follows, big endian: 2 + payload
 *   4       1     kind, enum frame_kind
 *   5       1     flags: bit 0 the payload is a zstd frame with its content size, bit 1 with the
 *                 dictionary (dictionary.h); the others are 0
 *   6       …     payload, protobuf of the kind's message
 *
 * Thread   any; no state but the caller's.
 */
#ifndef TSUJIBAN_COMMON_CODEC_FRAME_H
#define TSUJIBAN_COMMON_CODEC_FRAME_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define FRAME_HEADER_BYTES 6
#define FRAME_LENGTH_MAX   (1u << 20) /* on the wire, header included */
#define FRAME_PAYLOAD_MAX  (8u << 20) /* after decompression */
#define FRAME_ZSTD         0x01
#define FRAME_DICTIONARY   0x02

/* Which message of proto/tsujiban.proto the payload is. Numbers are never used again. */
enum frame_kind {
	FRAME_HELLO = 1,
	FRAME_WELCOME = 2,
	FRAME_BATCH = 3,
	FRAME_ACK = 4,
	FRAME_OFFER = 5,
	FRAME_WANT = 6,
	FRAME_BUCKET = 7,
	FRAME_CONFIG = 8,
	FRAME_CONFIG_STATUS = 9,
	FRAME_HEARTBEAT = 10,
	FRAME_REFUSED = 11,
	FRAME_ENROLL_REQUEST = 12,
	FRAME_ENROLL_REPLY = 13,
	FRAME_RENEW_REQUEST = 14,
	FRAME_RENEW_REPLY = 15,
};
#define FRAME_KIND_MAX 15

struct frame {
	enum frame_kind kind;
	uint8_t flags;
	struct slice payload; /* as it stands in the stream, perhaps compressed */
};

const char *frame_kind_name(enum frame_kind kind);

/* Appends one frame. The payload is compressed when that makes it smaller: quickly, the small with
 * the dictionary, and buckets with all that zstd can do, since one is sent for many hosts; at most
 * FRAME_PAYLOAD_MAX bytes of payload, and FRAME_LENGTH_MAX on the wire: ERR_LIMIT beyond, nothing
 * appended. */
int frame_append(struct buf *out, enum frame_kind kind, struct slice payload);

/* Looks for one whole frame at the start of `in`. Returns its length on the wire (payload borrowed
 * from `in`), 0 when more bytes are needed, ERR_LIMIT for a length above the cap, ERR_FORMAT for a
 * length below 2, an unknown kind or flag: the stream is lost then. */
int64_t frame_parse(struct slice in, struct frame *out, struct reason *out_why);

/* The plain payload: borrowed from the frame when it is not compressed, otherwise written to
 * `*scratch` (reset first). The declared size is checked against FRAME_PAYLOAD_MAX before anything
 * is allocated, and the result against the declared size. */
int frame_open(
        const struct frame *frame, struct buf *scratch, struct slice *out, struct reason *out_why);

/* Frees what this thread compresses and decompresses with (half a megabyte and more after large
 * frames); the next frame makes it anew. */
void frame_rest(void);

#endif
