#include "common/codec/wire_proto.h"

#include <assert.h>

#include "common/base/text.h"

enum wire_type {
	TYPE_VARINT = 0,
	TYPE_FIXED64 = 1,
	TYPE_BYTES = 2,
	TYPE_FIXED32 = 5, /* 3 and 4, groups, are of protobuf's past */
};

#define NUMBER_MAX      ((1u << 29) - 1)
#define VARINT_BYTES    10
#define ROW_NUMBER_LAST 31

/* --- encode ----------------------------------------------------------------------------------- */

static size_t put_varint(uint8_t *at, uint64_t value)
{
	size_t len = 0;
	for (; value >= 0x80; value >>= 7)
		at[len++] = (uint8_t)(value | 0x80);
	at[len++] = (uint8_t)value;
	return len;
}

void proto_append_number(struct buf *out, uint32_t number, uint64_t value)
{
	uint8_t *at = buf_reserve(out, 2 * VARINT_BYTES);
	size_t len = put_varint(at, number << 3 | TYPE_VARINT);
	out->len += len + put_varint(at + len, value);
}

void proto_append_bytes(struct buf *out, uint32_t number, struct slice bytes)
{
	uint8_t *at = buf_reserve(out, 2 * VARINT_BYTES + bytes.len);
	size_t len = put_varint(at, number << 3 | TYPE_BYTES);
	len += put_varint(at + len, bytes.len);
	if (bytes.len > 0)
		memcpy(at + len, bytes.ptr, bytes.len);
	out->len += len + bytes.len;
}

static bool is_text(struct slice bytes)
{
	return memchr(bytes.ptr, '\0', bytes.len) == NULL && text_is_utf8(bytes);
}

static int encode_number(const struct proto_row *row, uint64_t value, struct buf *out)
{
	if (value > row->max)
		return ERR_LIMIT;
	if (value != 0)
		proto_append_number(out, row->number, value);
	return 0;
}

static int encode_bytes(const struct proto_row *row, struct slice bytes, struct buf *out)
{
	if (bytes.len > row->max)
		return ERR_LIMIT;
	if (bytes.len == 0)
		return 0;
	if (row->type == PROTO_TEXT && !is_text(bytes))
		return ERR_FORMAT;
	proto_append_bytes(out, row->number, bytes);
	return 0;
}

static bool is_zero(struct slice bytes)
{
	return bytes.ptr[0] == 0 && memcmp(bytes.ptr, bytes.ptr + 1, bytes.len - 1) == 0;
}

/* Trailing empty elements are left out; those before a full one hold its place. */
static int encode_array(const struct proto_row *row, const struct slice *item, struct buf *out)
{
	size_t count = row->size;
	while (count > 0 && item[count - 1].len == 0)
		count--;
	for (size_t i = 0; i < count; i++) {
		if (item[i].len > row->max)
			return ERR_LIMIT;
		proto_append_bytes(out, row->number, item[i]);
	}
	return 0;
}

/* The length stands before the part and takes as few bytes as it can: the part is moved. */
static int encode_part(const struct proto_row *row, const void *part, struct buf *out)
{
	buf_append_varint(out, row->number << 3 | TYPE_BYTES);
	size_t start = out->len;
	int rc = proto_encode(row->part, part, out);
	if (rc != 0)
		return rc;
	size_t part_len = out->len - start;
	uint8_t length[VARINT_BYTES];
	size_t length_len = put_varint(length, part_len);
	uint8_t *part_at = buf_reserve(out, length_len) - part_len;
	memmove(part_at + length_len, part_at, part_len);
	memcpy(part_at, length, length_len);
	out->len += length_len;
	return 0;
}

static int encode_row(const struct proto_row *row, const uint8_t *at, struct buf *out)
{
	int64_t number;
	const void *part;
	struct slice fixed;
	switch (row->type) {
	case PROTO_U32:
		return encode_number(row, *(const uint32_t *)(const void *)at, out);
	case PROTO_U64:
		return encode_number(row, *(const uint64_t *)(const void *)at, out);
	case PROTO_S64:
		memcpy(&number, at, sizeof(number));
		if (number != 0)
			proto_append_number(out, row->number,
			        ((uint64_t)number << 1) ^ (number < 0 ? UINT64_MAX : 0));
		return 0;
	case PROTO_TEXT:
	case PROTO_BYTES:
		return encode_bytes(row, *(const struct slice *)(const void *)at, out);
	case PROTO_FIXED:
		fixed = slice_of(at, (size_t)row->max);
		if (!is_zero(fixed))
			proto_append_bytes(out, row->number, fixed);
		return 0;
	case PROTO_ARRAY:
		return encode_array(row, (const struct slice *)(const void *)at, out);
	case PROTO_PART:
		memcpy(&part, at, sizeof(part));
		return part != NULL ? encode_part(row, part, out) : 0;
	}
	return ERR_FORMAT;
}

int proto_encode(const struct proto_table *table, const void *value, struct buf *out)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct proto_row *row = &table->row[i];
		int rc = encode_row(row, (const uint8_t *)value + row->offset, out);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* --- decode ----------------------------------------------------------------------------------- */

/* Most varints, and nearly all tags and lengths, are one byte. */
static inline bool take_varint(struct slice *in, uint64_t *out)
{
	if (in->len == 0 || in->ptr[0] >= 0x80)
		return slice_take_varint(in, out);
	*out = in->ptr[0];
	in->ptr++;
	in->len--;
	return true;
}

int proto_next(struct slice *in, struct proto_field *out)
{
	uint64_t tag, len;
	struct slice fixed;
	if (in->len == 0)
		return 0;
	if (!take_varint(in, &tag) || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
		return ERR_FORMAT;
	*out = (struct proto_field){.number = (uint32_t)(tag >> 3)};
	switch (tag & 7) {
	case TYPE_VARINT:
		out->is_varint = true;
		return take_varint(in, &out->value) ? 1 : ERR_FORMAT;
	case TYPE_BYTES:
		out->is_bytes = true;
		if (!take_varint(in, &len) || len > in->len)
			return ERR_FORMAT;
		return slice_take(in, (size_t)len, &out->bytes) ? 1 : ERR_FORMAT;
	case TYPE_FIXED64:
		return slice_take(in, 8, &fixed) ? 1 : ERR_FORMAT;
	case TYPE_FIXED32:
		return slice_take(in, 4, &fixed) ? 1 : ERR_FORMAT;
	default:
		return ERR_FORMAT;
	}
}

struct decoding {
	struct arena *arena;
	struct reason *out_why;
	uint32_t seen;      /* a bit a number */
	size_t array_count; /* elements of the table's array so far */
};

static int refuse(const struct decoding *decoding, const struct proto_row *row, const char *what)
{
	return fail(decoding->out_why, ERR_FORMAT, "field '%s' %s", row->name, what);
}

static int decode_number(const struct decoding *decoding, const struct proto_row *row,
        const struct proto_field *field, uint8_t *at)
{
	uint32_t small = (uint32_t)field->value;
	if (row->type == PROTO_S64) {
		uint64_t value = (field->value >> 1) ^ ((field->value & 1) ? UINT64_MAX : 0);
		memcpy(at, &value, sizeof(value));
		return 0;
	}
	if (field->value > row->max)
		return refuse(decoding, row, "is out of range");
	if (row->type == PROTO_U32)
		memcpy(at, &small, sizeof(small));
	else
		memcpy(at, &field->value, sizeof(field->value));
	return 0;
}

static int decode_array(struct decoding *decoding, const struct proto_row *row, struct slice bytes,
        struct slice *item)
{
	if (decoding->array_count == row->size)
		return refuse(decoding, row, "stands too often");
	item[decoding->array_count++] = bytes.len ? bytes : slice_of(NULL, 0);
	return 0;
}

static int decode_part(
        const struct decoding *decoding, const struct proto_row *row, struct slice bytes, void *at)
{
	void *part = arena_alloc_zeroed(decoding->arena, 1, row->size);
	if (part == NULL)
		return fail(decoding->out_why, ERR_LIMIT, "message is too large at field '%s'",
		        row->name);
	memcpy(at, &part, sizeof(part));
	return proto_decode(row->part, bytes, decoding->arena, part, decoding->out_why);
}

static int decode_bytes(
        struct decoding *decoding, const struct proto_row *row, struct slice bytes, void *at)
{
	if (row->type == PROTO_PART)
		return decode_part(decoding, row, bytes, at);
	if (bytes.len > row->max)
		return refuse(decoding, row, "is too long");
	if (row->type == PROTO_ARRAY)
		return decode_array(decoding, row, bytes, at);
	if (row->type == PROTO_FIXED) {
		if (bytes.len != row->max)
			return refuse(decoding, row, "has the wrong length");
		memcpy(at, bytes.ptr, bytes.len);
		return 0;
	}
	if (bytes.len == 0)
		return 0;
	if (row->type == PROTO_TEXT && !is_text(bytes))
		return refuse(decoding, row, "is no text");
	memcpy(at, &bytes, sizeof(bytes));
	return 0;
}

static int decode_field(struct decoding *decoding, const struct proto_row *row,
        const struct proto_field *field, uint8_t *at)
{
	bool wants_number = row->type == PROTO_U32 || row->type == PROTO_U64 ||
	                    row->type == PROTO_S64;
	if (wants_number ? !field->is_varint : !field->is_bytes)
		return refuse(decoding, row, "has the wrong wire type");
	uint32_t bit = 1u << row->number;
	if ((decoding->seen & bit) != 0 && row->type != PROTO_ARRAY)
		return refuse(decoding, row, "stands twice");
	decoding->seen |= bit;
	return wants_number ? decode_number(decoding, row, field, at)
	                    : decode_bytes(decoding, row, field->bytes, at);
}

int proto_decode(const struct proto_table *table, struct slice in, struct arena *arena, void *out,
        struct reason *out_why)
{
	struct decoding decoding = {.arena = arena, .out_why = out_why};
	struct proto_field field;
	int rc;
	assert(table->count <= ROW_NUMBER_LAST);
	while ((rc = proto_next(&in, &field)) > 0) {
		if (field.number > table->count)
			continue;
		const struct proto_row *row = &table->row[field.number - 1];
		rc = decode_field(&decoding, row, &field, (uint8_t *)out + row->offset);
		if (rc != 0)
			return rc;
	}
	return rc == 0 ? 0 : fail(out_why, rc, "message is cut or no protobuf");
}
