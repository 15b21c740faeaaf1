#include "common/codec/columns.h"

#include "common/base/err.h"

#define LITERAL      16
#define ALIKE        13
#define BEGINNING    14
#define BEGINNING_AT 2 /* a literal of one byte is shorter */

/* --- rows that are alike in the field before -------------------------------------------------- */

/* Which row had a value last, by the value's hash. A value that another one has pushed out is
 * forgotten, so that no choice of values costs more time than any other. */
struct memory {
	uint32_t row[COLUMNS_REMEMBERED]; /* + 1; 0: none */
};

static uint32_t fnv1a(struct slice value) /* http://www.isthe.com/chongo/tech/comp/fnv */
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < value.len && i < COLUMNS_HASHED; i++)
		hash = (hash ^ value.ptr[i]) * 16777619u;
	return hash;
}

/* What is borrowed from one place is not compared byte by byte. */
static bool is_same(struct slice a, struct slice b)
{
	return (a.ptr == b.ptr && a.len == b.len) || slice_equal(a, b);
}

/* The last row that was like `fact` in the field before `field`; NULL: none is remembered. From now
 * on it is this one, number `at`. */
static const struct fact *remember(
        struct memory *memory, const struct fact *facts, size_t at, unsigned field)
{
	if (field == 0)
		return NULL;
	struct slice key = facts[at].field[field - 1];
	uint32_t *row = &memory->row[fnv1a(key) % COLUMNS_REMEMBERED];
	const struct fact *last = *row > 0 ? &facts[*row - 1] : NULL;
	*row = (uint32_t)at + 1;
	return last && is_same(last->field[field - 1], key) ? last : NULL;
}

/* --- packing ---------------------------------------------------------------------------------- */

static bool pack_reference(const struct fact *fact, unsigned field, struct buf *out)
{
	struct slice value = fact->field[field];
	for (unsigned other = 0; other < field; other++) {
		if (slice_equal(value, fact->field[other])) {
			buf_append_varint(out, 1 + other);
			return true;
		}
	}
	return false;
}

static bool pack_beginning(const struct fact *fact, unsigned field, struct buf *out)
{
	struct slice value = fact->field[field];
	for (unsigned other = 0; other < field && value.len >= BEGINNING_AT; other++) {
		if (slice_starts_with(fact->field[other], value)) {
			buf_append_varint(out, BEGINNING);
			buf_append_varint(out, other);
			buf_append_varint(out, fact->field[other].len - value.len);
			return true;
		}
	}
	return false;
}

void columns_pack(const struct fact *facts, size_t count, unsigned field, struct buf *out)
{
	struct memory memory = {0};
	for (size_t i = 0; i < count; i++) {
		struct slice value = facts[i].field[field];
		const struct fact *alike = remember(&memory, facts, i, field);
		if (i > 0 && slice_equal(value, facts[i - 1].field[field])) {
			buf_append_varint(out, 0);
		} else if (pack_reference(&facts[i], field, out)) {
			continue;
		} else if (alike && slice_equal(value, alike->field[field])) {
			buf_append_varint(out, ALIKE);
		} else if (!pack_beginning(&facts[i], field, out)) {
			buf_append_varint(out, LITERAL + value.len);
			buf_append_slice(out, value);
		}
	}
}

/* --- unpacking -------------------------------------------------------------------------------- */

static bool take_beginning(
        struct slice *column, const struct fact *fact, unsigned field, struct slice *value)
{
	uint64_t other, cut;
	if (!slice_take_varint(column, &other) || !slice_take_varint(column, &cut) ||
	        other >= field)
		return false;
	struct slice whole = fact->field[other];
	if (cut > whole.len || whole.len - cut < BEGINNING_AT)
		return false;
	*value = slice_of(whole.ptr, whole.len - (size_t)cut);
	return true;
}

static bool take_literal(struct slice *column, uint64_t len, struct slice *value)
{
	*value = (struct slice){0};
	return len == 0 || (len <= FACT_FIELD_BYTES && slice_take(column, (size_t)len, value));
}

/* `alike`: see remember. `value` is that of the row before. */
static bool take_value(struct slice *column, const struct fact *fact, const struct fact *alike,
        unsigned field, struct slice *value)
{
	uint64_t tag;
	if (!slice_take_varint(column, &tag))
		return false;
	if (tag >= LITERAL)
		return take_literal(column, tag - LITERAL, value);
	if (tag == BEGINNING)
		return take_beginning(column, fact, field, value);
	if (tag == ALIKE && alike)
		*value = alike->field[field];
	else if (tag > 0 && tag <= field)
		*value = fact->field[tag - 1];
	else
		return tag == 0;
	return true;
}

int columns_unpack(struct slice column, unsigned field, struct fact *facts, size_t count)
{
	struct memory memory = {0};
	struct slice value = {0};
	for (size_t i = 0; i < count; i++) {
		const struct fact *alike = remember(&memory, facts, i, field);
		if (!take_value(&column, &facts[i], alike, field, &value))
			return ERR_FORMAT;
		facts[i].field[field] = value;
	}
	return column.len == 0 ? 0 : ERR_FORMAT;
}
