#include "agent/rpmdb/rpmdb_format.h"
#include "agent/rpmdb/whole.h"
#include "common/base/bytes.h"

#include <stdlib.h>

/*
 * All numbers little endian.
 *
 *	32  "RpmP", version 0, generation, pages of slots, next number, unused
 *	16  for each slot: "Slot", number of the package, block (0: free), blocks
 *	    then blocks of 16 bytes, counted from the file's beginning; a package's:
 *	16  "BlbS", number, generation, length
 *	    the header, padded
 *	12  Adler-32, length, "BlbE"
 */
#define HEAD_BYTES  32
#define PAGE_BYTES  4096u
#define SLOT_BYTES  16u
#define BLOCK_BYTES 16u
#define TAIL_BYTES  12u
#define PAGES_MAX   (RPMDB_PACKAGES_MAX / (PAGE_BYTES / SLOT_BYTES))

static int read_slots(const struct whole *file, struct buf *out, struct reason *out_why)
{
	uint8_t head[HEAD_BYTES];
	if (!whole_read(file, head, sizeof(head), 0) || memcmp(head, "RpmP", 4) != 0)
		return fail(out_why, ERR_FORMAT, "'%s' is no ndb database", file->path);
	if (le32(head + 4) != 0)
		return fail(
		        out_why, ERR_VERSION, "'%s' has version %u", file->path, le32(head + 4));
	uint32_t pages = le32(head + 12);
	if (pages == 0 || pages > PAGES_MAX)
		return fail(out_why, ERR_LIMIT, "'%s' has %u pages of slots", file->path, pages);
	if (!whole_append(file, out, (size_t)pages * PAGE_BYTES - HEAD_BYTES, HEAD_BYTES))
		return fail(out_why, ERR_FORMAT, "'%s' is too short for its slots", file->path);
	return 0;
}

static bool is_ended(const struct whole *file, uint32_t len, uint64_t offset)
{
	uint8_t tail[TAIL_BYTES];
	return whole_read(file, tail, sizeof(tail), offset) && le32(tail + 4) == len &&
	       memcmp(tail + 8, "BlbE", 4) == 0;
}

/* `left`: blocks that can yet be a package's, since each is of one alone. */
static int read_blob(const struct whole *file, const uint8_t *slot, uint64_t *left,
        struct buf *blob, struct reason *out_why)
{
	uint8_t head[BLOCK_BYTES];
	uint32_t number = le32(slot + 4), blocks = le32(slot + 12);
	uint64_t offset = (uint64_t)le32(slot + 8) * BLOCK_BYTES;
	buf_reset(blob);
	if (!whole_read(file, head, sizeof(head), offset) || memcmp(head, "BlbS", 4) != 0 ||
	        le32(head + 4) != number)
		return fail(out_why, ERR_FORMAT, "'%s' has no package %u where its slot says",
		        file->path, number);
	uint32_t len = le32(head + 12);
	uint64_t bytes = (uint64_t)blocks * BLOCK_BYTES;
	if (blocks > *left || bytes < BLOCK_BYTES + TAIL_BYTES || len > RPMDB_HEADER_MAX ||
	        len > bytes - BLOCK_BYTES - TAIL_BYTES ||
	        !whole_append(file, blob, len, offset + BLOCK_BYTES) ||
	        !is_ended(file, len, offset + bytes - TAIL_BYTES))
		return fail(
		        out_why, ERR_FORMAT, "package %u of '%s' is cut short", number, file->path);
	*left -= blocks;
	return 0;
}

static int each_slot(const struct whole *file, const struct buf *slots, rpmdb_blob *each, void *ctx,
        struct reason *out_why)
{
	struct buf blob = BUF_INIT;
	uint64_t left = (uint64_t)file->seen.st_size / BLOCK_BYTES;
	int rc = 0;
	for (size_t at = 0; rc == 0 && at + SLOT_BYTES <= slots->len; at += SLOT_BYTES) {
		const uint8_t *slot = slots->data + at;
		if (memcmp(slot, "Slot", 4) != 0)
			rc = fail(out_why, ERR_FORMAT, "'%s' has no slot at %zu", file->path,
			        at + HEAD_BYTES);
		else if (le32(slot + 8) != 0)
			rc = read_blob(file, slot, &left, &blob, out_why);
		else
			continue;
		if (rc == 0)
			rc = each(ctx, le32(slot + 4), buf_slice(&blob));
	}
	buf_fini(&blob);
	return rc;
}

int rpmdb_ndb_each(const char *path, rpmdb_blob *each, void *ctx, struct reason *out_why)
{
	struct whole file;
	struct buf slots = BUF_INIT;
	int rc = whole_open(path, &file, out_why);
	if (rc < 0)
		return rc;
	rc = read_slots(&file, &slots, out_why);
	if (rc == 0)
		rc = each_slot(&file, &slots, each, ctx, out_why);
	buf_fini(&slots);
	if ((rc >= 0 || rc == ERR_FORMAT) && whole_check(&file, NULL) < 0)
		rc = whole_check(&file, out_why);
	whole_close(&file);
	return rc;
}
