/*
 * wire_proto - structs to protobuf's encoding and back, by tables: one row a field.
 *
 * The encoding is https://protobuf.dev/programming-guides/encoding. The code that protoc-c makes
 * from proto/tsujiban.proto would copy every field, cut texts at a NUL byte and not say which field
 * is wrong; here decoded bytes borrow from the input. The tests hold this against the generated
 * code. Only wire*.c include this.
 *
 * Both directions refuse what is beyond a row's max, so that nothing is sent that is refused there.
 * Encoding is deterministic: fields in the table's order, zero and empty ones left out. Decoding
 * refuses a field given twice and skips numbers that the table does not have.
 */
#ifndef TSUJIBAN_COMMON_CODEC_WIRE_PROTO_H
#define TSUJIBAN_COMMON_CODEC_WIRE_PROTO_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

enum proto_type {
	PROTO_U32,   /* uint32_t, unsigned or an enum without negative values */
	PROTO_U64,   /* uint64_t */
	PROTO_S64,   /* int64_t, zigzag; no max */
	PROTO_TEXT,  /* struct slice: UTF-8 without NUL bytes, at most max bytes */
	PROTO_BYTES, /* struct slice: at most max bytes */
	PROTO_FIXED, /* uint8_t[max]; all zero is the absent one */
	PROTO_ARRAY, /* struct slice[size], each at most max bytes; one a table */
	PROTO_PART,  /* pointer to a struct of `size` bytes with a table of its own; NULL: absent */
};

struct proto_table;

struct proto_row {
	uint32_t number; /* 1, 2, 3, … without holes, below 32 */
	const char *name;
	enum proto_type type;
	size_t offset;
	uint64_t max;
	size_t size;
	const struct proto_table *part;
};

struct proto_table {
	const struct proto_row *row;
	size_t count;
};

/* Appends the fields. ERR_LIMIT or ERR_FORMAT when a field is not what its row allows; `out` then
 * has a part of them. */
int proto_encode(const struct proto_table *table, const void *value, struct buf *out);
/* Into the struct `out`, which the caller has zeroed. */
int proto_decode(const struct proto_table *table, struct slice in, struct arena *arena, void *out,
        struct reason *out_why);

/* One field as it stands in the encoding. */
struct proto_field {
	uint32_t number;
	bool is_bytes; /* otherwise a number, of whatever wire type */
	bool is_varint;
	uint64_t value;
	struct slice bytes;
};
/* Takes the next field: 1, 0 at the end, ERR_FORMAT. */
int proto_next(struct slice *in, struct proto_field *out);
void proto_append_number(struct buf *out, uint32_t number, uint64_t value);
void proto_append_bytes(struct buf *out, uint32_t number, struct slice bytes);

#endif
