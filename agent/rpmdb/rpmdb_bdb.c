#include "agent/rpmdb/rpmdb_format.h"
#include "agent/rpmdb/whole.h"
#include "common/base/bytes.h"

#include <stdlib.h>

#include "common/base/mem.h"

/*
 * A hash database: pages of buckets hold keys and values in turn, a value that is too large for its
 * page stands in a chain of overflow pages. Which bucket is whose does not matter here: all pages
 * are looked at. Numbers are in the byte order of the machine that made the file.
 *
 * page:      8 log position, 4 number, 4 previous, 4 next, 2 entries, 2 offset of the free end,
 *            1 level, 1 type; then 2 bytes for the offset of each entry, and entries from the end
 * entry:     1 kind, then the bytes; or (off page) 3 unused, 4 first page, 4 length
 * overflow:  as page, with the length of what it holds in place of the offset
 */
#define META_BYTES    512
#define META_MAGIC    0x00061561u
#define PAGE_HEAD     26u
#define PAGE_MIN      512u
#define PAGE_MAX      65536u
#define PAGES_MAX     (1u << 24)
#define KEY_BYTES     4
#define OFFPAGE_BYTES 12u

enum page_type { PAGE_HASH_UNSORTED = 2, PAGE_OVERFLOW = 7, PAGE_META = 8, PAGE_HASH = 13 };
enum entry_kind { ENTRY_HERE = 1, ENTRY_OFF_PAGE = 3 };

struct bdb {
	struct whole file;
	bool is_big;
	uint32_t page_bytes;
	uint32_t pages;
	uint32_t chained_left; /* pages that can yet be part of a chain: each is of one alone */
	uint8_t *page;         /* of a bucket */
	uint8_t *overflow;     /* of the chain of a value */
	struct buf value;
	struct reason *why;
};

static uint32_t u32(const struct bdb *bdb, const uint8_t *at)
{
	return bdb->is_big ? be32(at) : le32(at);
}

static uint32_t u16(const struct bdb *bdb, const uint8_t *at)
{
	return bdb->is_big ? be16(at) : le16(at);
}

static int broken(const struct bdb *bdb, uint32_t page)
{
	return fail(bdb->why, ERR_FORMAT, "page %u of '%s' does not hold together", page,
	        bdb->file.path);
}

static int read_meta(struct bdb *bdb)
{
	uint8_t meta[META_BYTES];
	if (!whole_read(&bdb->file, meta, sizeof(meta), 0))
		return fail(
		        bdb->why, ERR_FORMAT, "'%s' is too short for a database", bdb->file.path);
	bdb->is_big = meta[12] == 0;
	bdb->page_bytes = u32(bdb, meta + 20);
	bool is_size = bdb->page_bytes >= PAGE_MIN && bdb->page_bytes <= PAGE_MAX &&
	               (bdb->page_bytes & (bdb->page_bytes - 1)) == 0;
	if (u32(bdb, meta + 12) != META_MAGIC || meta[25] != PAGE_META || !is_size)
		return fail(bdb->why, ERR_FORMAT, "'%s' is no Berkeley DB hash database",
		        bdb->file.path);
	if (meta[24] != 0)
		return fail(bdb->why, ERR_FORMAT, "'%s' is encrypted", bdb->file.path);
	uint64_t pages = (uint64_t)bdb->file.seen.st_size / bdb->page_bytes;
	if (pages > PAGES_MAX)
		return fail(bdb->why, ERR_LIMIT, "'%s' has %llu pages", bdb->file.path,
		        (unsigned long long)pages);
	bdb->pages = (uint32_t)pages;
	bdb->chained_left = bdb->pages;
	bdb->page = mem_new(bdb->page_bytes);
	bdb->overflow = mem_new(bdb->page_bytes);
	return 0;
}

static bool read_page(const struct bdb *bdb, uint32_t number, uint8_t *out)
{
	return number < bdb->pages &&
	       whole_read(&bdb->file, out, bdb->page_bytes, (uint64_t)number * bdb->page_bytes);
}

/* A chain that goes in a circle, or through another one, comes to more pages than there are. */
static int read_chain(struct bdb *bdb, uint32_t number, uint32_t len)
{
	while (bdb->value.len < len) {
		if (bdb->chained_left == 0)
			return broken(bdb, number);
		bdb->chained_left--;
		if (!read_page(bdb, number, bdb->overflow) || bdb->overflow[25] != PAGE_OVERFLOW)
			return broken(bdb, number);
		uint32_t here = u16(bdb, bdb->overflow + 22);
		if (here == 0 || here > bdb->page_bytes - PAGE_HEAD || here > len - bdb->value.len)
			return broken(bdb, number);
		buf_append(&bdb->value, bdb->overflow + PAGE_HEAD, here);
		number = u32(bdb, bdb->overflow + 16);
	}
	return 0;
}

/* Entry `at` of the page: it ends where the one before it begins. */
static bool find_entry(const struct bdb *bdb, uint32_t at, struct slice *out)
{
	const uint8_t *offsets = bdb->page + PAGE_HEAD;
	uint32_t begin = u16(bdb, offsets + (size_t)2 * at);
	uint32_t end = at == 0 ? bdb->page_bytes : u16(bdb, offsets + (size_t)2 * (at - 1));
	if (begin < PAGE_HEAD || begin >= end || end > bdb->page_bytes)
		return false;
	*out = slice_of(bdb->page + begin, end - begin);
	return true;
}

static int take_value(struct bdb *bdb, uint32_t page, struct slice entry)
{
	buf_reset(&bdb->value);
	if (entry.ptr[0] == ENTRY_HERE) {
		buf_append(&bdb->value, entry.ptr + 1, entry.len - 1);
		return 0;
	}
	if (entry.ptr[0] != ENTRY_OFF_PAGE || entry.len < OFFPAGE_BYTES)
		return broken(bdb, page);
	uint32_t first = u32(bdb, entry.ptr + 4), len = u32(bdb, entry.ptr + 8);
	return len <= RPMDB_HEADER_MAX ? read_chain(bdb, first, len) : broken(bdb, page);
}

/* Number 0 is where rpm keeps which number comes next. */
static int each_entry(struct bdb *bdb, uint32_t page, rpmdb_blob *each, void *ctx)
{
	uint32_t entries = u16(bdb, bdb->page + 20);
	if (entries % 2 != 0 || PAGE_HEAD + 2 * entries > bdb->page_bytes)
		return broken(bdb, page);
	for (uint32_t at = 0; at < entries; at += 2) {
		struct slice key, value;
		if (!find_entry(bdb, at, &key) || !find_entry(bdb, at + 1, &value))
			return broken(bdb, page);
		if (key.len != 1 + KEY_BYTES || key.ptr[0] != ENTRY_HERE)
			return broken(bdb, page);
		uint32_t number = u32(bdb, key.ptr + 1);
		if (number == 0)
			continue;
		int rc = take_value(bdb, page, value);
		if (rc == 0)
			rc = each(ctx, number, buf_slice(&bdb->value));
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int each_page(struct bdb *bdb, rpmdb_blob *each, void *ctx)
{
	int rc = 0;
	for (uint32_t number = 1; rc == 0 && number < bdb->pages; number++) {
		if (!read_page(bdb, number, bdb->page))
			return broken(bdb, number);
		uint8_t type = bdb->page[25];
		if (type == PAGE_HASH || type == PAGE_HASH_UNSORTED)
			rc = each_entry(bdb, number, each, ctx);
	}
	return rc;
}

int rpmdb_bdb_each(const char *path, rpmdb_blob *each, void *ctx, struct reason *out_why)
{
	struct bdb bdb = {.why = out_why};
	int rc = whole_open(path, &bdb.file, out_why);
	if (rc < 0)
		return rc;
	rc = read_meta(&bdb);
	if (rc == 0)
		rc = each_page(&bdb, each, ctx);
	if ((rc >= 0 || rc == ERR_FORMAT) && whole_check(&bdb.file, NULL) < 0)
		rc = whole_check(&bdb.file, out_why);
	whole_close(&bdb.file);
	buf_fini(&bdb.value);
	free(bdb.page);
	free(bdb.overflow);
	return rc;
}
