#include "common/codec/columns.h"

#include "common/base/err.h"

#define LITERAL 16

static size_t shared_len(struct slice a, struct slice b)
{
	size_t most = a.len < b.len ? a.len : b.len, len = 0;
	while (len < most && a.ptr[len] == b.ptr[len])
		len++;
	return len;
}

static void pack_value(const struct fact *fact, unsigned field, struct slice before, bool is_first,
        struct buf *out)
{
	struct slice value = fact->field[field];
	if (!is_first && slice_equal(value, before)) {
		buf_append_varint(out, 0);
		return;
	}
	for (unsigned other = 0; other < field; other++) {
		if (slice_equal(value, fact->field[other])) {
			buf_append_varint(out, 1 + other);
			return;
		}
	}
	size_t shared = shared_len(value, before);
	buf_append_varint(out, LITERAL + (value.len - shared));
	buf_append_varint(out, shared);
	if (value.len > shared)
		buf_append(out, value.ptr + shared, value.len - shared);
}

void columns_pack(const struct fact *facts, size_t count, unsigned field, struct buf *out)
{
	struct slice before = {0};
	for (size_t i = 0; i < count; i++) {
		pack_value(&facts[i], field, before, i == 0, out);
		before = facts[i].field[field];
	}
}

/* What follows shares a start with the value before: both are put together in the arena. */
static int take_literal(struct slice *column, uint64_t len, struct slice before,
        struct arena *arena, struct slice *out)
{
	uint64_t shared;
	struct slice rest;
	if (!slice_take_varint(column, &shared) || shared > before.len ||
	        len > FACT_FIELD_BYTES - shared || !slice_take(column, (size_t)len, &rest))
		return ERR_FORMAT;
	if (shared == 0) {
		*out = len > 0 ? rest : (struct slice){0};
		return 0;
	}
	uint8_t *joined = arena_alloc(arena, (size_t)(shared + len));
	if (!joined)
		return ERR_LIMIT;
	memcpy(joined, before.ptr, (size_t)shared);
	if (len > 0)
		memcpy(joined + shared, rest.ptr, (size_t)len);
	*out = slice_of(joined, (size_t)(shared + len));
	return 0;
}

int columns_unpack(
        struct slice column, unsigned field, struct arena *arena, struct fact *facts, size_t count)
{
	struct slice before = {0};
	for (size_t i = 0; i < count; i++) {
		struct slice *value = &facts[i].field[field];
		uint64_t tag;
		int rc = 0;
		if (!slice_take_varint(&column, &tag))
			return ERR_FORMAT;
		if (tag == 0)
			*value = before;
		else if (tag <= field)
			*value = facts[i].field[tag - 1];
		else if (tag >= LITERAL && tag - LITERAL <= FACT_FIELD_BYTES)
			rc = take_literal(&column, tag - LITERAL, before, arena, value);
		else
			rc = ERR_FORMAT;
		if (rc < 0)
			return rc;
		before = *value;
	}
	return column.len == 0 ? 0 : ERR_FORMAT;
}
