#include "common/codec/columns.h"

#include "common/base/err.h"

#define LITERAL 16

static void pack_value(
        const struct fact *fact, unsigned field, const struct fact *before, struct buf *out)
{
	struct slice value = fact->field[field];
	if (before && slice_equal(value, before->field[field])) {
		buf_append_varint(out, 0);
		return;
	}
	for (unsigned other = 0; other < field; other++) {
		if (slice_equal(value, fact->field[other])) {
			buf_append_varint(out, 1 + other);
			return;
		}
	}
	buf_append_varint(out, LITERAL + value.len);
	buf_append_slice(out, value);
}

void columns_pack(const struct fact *facts, size_t count, unsigned field, struct buf *out)
{
	for (size_t i = 0; i < count; i++)
		pack_value(&facts[i], field, i > 0 ? &facts[i - 1] : NULL, out);
}

static bool take_value(
        struct slice *column, const struct fact *fact, unsigned field, struct slice *value)
{
	uint64_t tag;
	if (!slice_take_varint(column, &tag))
		return false;
	if (tag == 0)
		return true; /* it is that of the row before */
	if (tag <= field) {
		*value = fact->field[tag - 1];
		return true;
	}
	if (tag < LITERAL || tag - LITERAL > FACT_FIELD_BYTES)
		return false;
	if (tag == LITERAL)
		*value = (struct slice){0};
	return tag == LITERAL || slice_take(column, (size_t)(tag - LITERAL), value);
}

int columns_unpack(struct slice column, unsigned field, struct fact *facts, size_t count)
{
	struct slice value = {0};
	for (size_t i = 0; i < count; i++) {
		if (!take_value(&column, &facts[i], field, &value))
			return ERR_FORMAT;
		facts[i].field[field] = value;
	}
	return column.len == 0 ? 0 : ERR_FORMAT;
}
