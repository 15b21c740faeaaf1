#include "agent/rpmdb/sqlite_table.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/bytes.h"

#define DEPTH_MAX     24
#define FIRST_HEAD    100 /* of the first page belong to the file */
#define PAGE_INTERIOR 5
#define PAGE_LEAF     13
#define SCHEMA_PAGE   1
#define SCHEMA_TYPE   0
#define SCHEMA_NAME   1
#define SCHEMA_ROOT   3

struct reader {
	struct sqlite_pages *pages;
	int (*each)(void *ctx, const struct sqlite_row *row);
	void *ctx;
	struct reason *why;
	struct buf row;
	uint64_t visits_left;
	uint64_t local_left; /* of the leaf: cells do not overlap */
};

static int broken(struct reader *reader, uint32_t page)
{
	return fail(
	        reader->why, ERR_FORMAT, "page %u of the database does not hold together", page);
}

/* SQLite's own: 7 bits a byte, the most significant first, and all 8 of the ninth. */
static bool take_varint(struct slice *in, uint64_t *out)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < 9; i++) {
		uint8_t byte;
		if (!slice_take_byte(in, &byte))
			return false;
		if (i == 8) {
			*out = value << 8 | byte;
			return true;
		}
		value = value << 7 | (byte & 0x7fu);
		if (!(byte & 0x80u)) {
			*out = value;
			return true;
		}
	}
	return false;
}

/* --- records ---------------------------------------------------------------------------------- */

static uint64_t length_of(uint64_t type)
{
	static const uint8_t FIXED[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
	return type < 12 ? FIXED[type] : (type - 12) / 2;
}

static int64_t whole_number(uint64_t type, struct slice bytes)
{
	if (type == 9)
		return 1;
	if (type == 0 || type > 6 || bytes.len == 0)
		return 0;
	uint64_t value = bytes.ptr[0] & 0x80 ? UINT64_MAX : 0;
	for (size_t i = 0; i < bytes.len; i++)
		value = value << 8 | bytes.ptr[i];
	return (int64_t)value;
}

static bool take_row(struct slice record, struct sqlite_row *out)
{
	struct slice rest = record, heads, value;
	uint64_t head_len, type;
	if (!take_varint(&rest, &head_len) || head_len > record.len ||
	        head_len < record.len - rest.len)
		return false;
	heads = slice_of(rest.ptr, head_len - (record.len - rest.len));
	rest = slice_of(record.ptr + head_len, record.len - head_len);
	for (out->columns = 0; out->columns < SQLITE_COLUMNS_MAX && heads.len > 0; out->columns++) {
		if (!take_varint(&heads, &type) || length_of(type) > rest.len)
			return false;
		slice_take(&rest, length_of(type), &value);
		out->bytes[out->columns] = type >= 12 ? value : (struct slice){0};
		out->number[out->columns] = whole_number(type, value);
	}
	return true;
}

/* --- pages ------------------------------------------------------------------------------------ */

static int read_page(struct reader *reader, uint32_t number, struct slice *out)
{
	if (reader->visits_left == 0)
		return fail(reader->why, ERR_FORMAT, "the database's pages go in a circle");
	reader->visits_left--;
	return sqlite_pages_read(reader->pages, number, out, reader->why);
}

/* How much of a row stands in its leaf. */
static uint64_t local_length(uint32_t usable, uint64_t len)
{
	uint64_t most = usable - 35;
	uint64_t least = (usable - 12) * 32 / 255 - 23;
	if (len <= most)
		return len;
	uint64_t local = least + (len - least) % (usable - 4);
	return local <= most ? local : least;
}

static int read_overflow(struct reader *reader, uint32_t number, uint64_t len)
{
	uint32_t usable = sqlite_pages_usable(reader->pages);
	while (len > 0) {
		struct slice page;
		int rc = read_page(reader, number, &page);
		if (rc < 0)
			return rc;
		uint64_t here = len < usable - 4 ? len : usable - 4;
		slice_take_u32(&page, &number);
		buf_append(&reader->row, page.ptr, here);
		len -= here;
	}
	return 0;
}

static int read_cell(struct reader *reader, uint32_t page, struct slice cell)
{
	struct sqlite_row row = {0};
	uint64_t len, id;
	uint32_t next = 0;
	struct slice local;
	if (!take_varint(&cell, &len) || !take_varint(&cell, &id) || len > SQLITE_ROW_MAX)
		return broken(reader, page);
	uint64_t local_len = local_length(sqlite_pages_usable(reader->pages), len);
	if (local_len > reader->local_left || !slice_take(&cell, local_len, &local) ||
	        (local_len < len && !slice_take_u32(&cell, &next)))
		return broken(reader, page);
	reader->local_left -= local_len;
	buf_reset(&reader->row);
	buf_append_slice(&reader->row, local);
	int rc = read_overflow(reader, next, len - local_len);
	if (rc < 0)
		return rc;
	row.id = (int64_t)id;
	if (!take_row(buf_slice(&reader->row), &row))
		return broken(reader, page);
	return reader->each(reader->ctx, &row);
}

static int walk(struct reader *reader, uint32_t number, unsigned depth);

static int walk_cells(struct reader *reader, uint32_t number, struct slice page,
        struct slice places, bool is_leaf, unsigned depth)
{
	reader->local_left = page.len;
	for (size_t i = 0; i < places.len; i += 2) {
		uint32_t child;
		size_t offset = be16(places.ptr + i);
		if (offset >= page.len)
			return broken(reader, number);
		struct slice cell = slice_of(page.ptr + offset, page.len - offset);
		int rc;
		if (is_leaf)
			rc = read_cell(reader, number, cell);
		else
			rc = slice_take_u32(&cell, &child) ? walk(reader, child, depth + 1)
			                                   : broken(reader, number);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int walk_page(struct reader *reader, uint32_t number, struct slice page, unsigned depth)
{
	size_t head = number == SCHEMA_PAGE ? FIRST_HEAD : 0;
	bool is_leaf = page.ptr[head] == PAGE_LEAF;
	if (!is_leaf && page.ptr[head] != PAGE_INTERIOR)
		return broken(reader, number);
	uint32_t count = be16(page.ptr + head + 3), right = 0;
	struct slice rest = slice_of(page.ptr + head + 8, page.len - head - 8);
	struct slice places;
	if ((!is_leaf && !slice_take_u32(&rest, &right)) ||
	        !slice_take(&rest, (size_t)2 * count, &places))
		return broken(reader, number);
	int rc = walk_cells(reader, number, page, places, is_leaf, depth);
	return rc == 0 && !is_leaf ? walk(reader, right, depth + 1) : rc;
}

/* A copy of the page: what lies below it is read into the same memory. */
static int walk(struct reader *reader, uint32_t number, unsigned depth)
{
	struct buf copy = BUF_INIT;
	struct slice page;
	int rc = depth < DEPTH_MAX ? read_page(reader, number, &page) : broken(reader, number);
	if (rc < 0)
		return rc;
	buf_append_slice(&copy, page);
	rc = walk_page(reader, number, buf_slice(&copy), depth);
	buf_fini(&copy);
	return rc;
}

static int walk_table(struct sqlite_pages *pages, uint32_t root,
        int (*each)(void *ctx, const struct sqlite_row *row), void *ctx, struct reason *out_why)
{
	struct reader reader = {
	        .pages = pages,
	        .each = each,
	        .ctx = ctx,
	        .why = out_why,
	        .visits_left = sqlite_pages_count(pages),
	};
	int rc = walk(&reader, root, 0);
	buf_fini(&reader.row);
	return rc;
}

/* --- the table -------------------------------------------------------------------------------- */

struct wanted {
	const char *table;
	uint32_t root;
};

static int look_at_schema(void *ctx, const struct sqlite_row *row)
{
	struct wanted *wanted = ctx;
	int64_t root = row->number[SCHEMA_ROOT];
	if (row->columns > SCHEMA_ROOT && slice_is(row->bytes[SCHEMA_TYPE], "table") &&
	        slice_is(row->bytes[SCHEMA_NAME], wanted->table) && root > 1 && root <= UINT32_MAX)
		wanted->root = (uint32_t)root;
	return 0;
}

int sqlite_table_each(struct sqlite_pages *pages, const char *table,
        int (*each)(void *ctx, const struct sqlite_row *row), void *ctx, struct reason *out_why)
{
	struct wanted wanted = {.table = table};
	int rc = walk_table(pages, SCHEMA_PAGE, look_at_schema, &wanted, out_why);
	if (rc < 0)
		return rc;
	if (wanted.root == 0)
		return fail(out_why, ERR_MISSING, "there is no table '%s'", table);
	return walk_table(pages, wanted.root, each, ctx, out_why);
}
