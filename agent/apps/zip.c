/*
 *	end of the directory (22)	0 "PK\5\6"  4 this disk  6 the directory's  8 entries here
 *	(behind the last entry)		10 entries  12 directory's bytes  16 its place  20 comment
 *	zip64: where its end is (20)	0 "PK\6\7"  4 disk  8 place  16 disks
 *	zip64: end (56 and more)	0 "PK\6\6"  16 this disk  20 the directory's  24 entries
 *					here  32 entries  40 directory's bytes  48 its place
 *	entry (46)			0 "PK\1\2"  8 flags  10 method  16 crc  20 packed  24 size
 *					28, 30, 32 bytes of name, extra, comment  42 place; then
 *					name, extra, comment
 *	local header (30)		0 "PK\3\4"  26, 28 bytes of name, extra; then name, extra
 */
#include "agent/apps/zip.h"

#include <stdlib.h>
#include <zlib.h>

#include "agent/apps/unpack.h"
#include "common/base/mem.h"

#define ENTRIES_MAX     500000
#define END_BYTES       22
#define COMMENT_MAX     65535
#define LOCATOR_BYTES   20
#define END64_BYTES     56
#define ENTRY_BYTES     46
#define LOCAL_BYTES     30
#define PIECE_BYTES     (64u << 10)
#define FLAG_ENCRYPTED  1u
#define METHOD_DEFLATED 8
#define EXTRA_ZIP64     1
#define IN_ZIP64        UINT32_MAX

static uint64_t number(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;
	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

static bool is_signed(const uint8_t *at, const char *sign)
{
	return memcmp(at, sign, 4) == 0;
}

static int damaged(struct reason *out_why, const char *what)
{
	return fail(out_why, ERR_FORMAT, "no whole zip archive: %s", what);
}

/* --- the end ---------------------------------------------------------------------------------- */

struct end {
	uint64_t place; /* the directory ends here */
	uint64_t disks; /* not 0: it is split */
	uint64_t entries, entries_here;
	uint64_t size, directory;
	bool is_64;
};

/* The last that has room for its comment. */
static int find_end(const struct extent *file, struct end *out, struct reason *out_why)
{
	uint64_t most = END_BYTES + COMMENT_MAX;
	uint64_t len = file->size < most ? file->size : most;
	struct buf tail = BUF_INIT;
	int rc = len < END_BYTES ? ERR_MISSING
	                         : extent_append(file, file->size - len, len, &tail, out_why);
	bool is_found = false;
	for (size_t at = rc < 0 ? 0 : len - END_BYTES + 1; at-- > 0 && !is_found;) {
		const uint8_t *end = tail.data + at;
		is_found = is_signed(end, "PK\5\6") && number(end + 20, 2) <= len - at - END_BYTES;
		if (is_found)
			*out = (struct end){.place = file->size - len + at,
			        .disks = number(end + 4, 2) | number(end + 6, 2),
			        .entries_here = number(end + 8, 2),
			        .entries = number(end + 10, 2),
			        .size = number(end + 12, 4),
			        .directory = number(end + 16, 4)};
	}
	buf_fini(&tail);
	return rc < 0 || is_found ? rc : ERR_MISSING;
}

/* Behind its directory, or where the locator says; bytes before the archive move it from there. */
static int find_end64(const struct extent *file, struct end *end, struct reason *out_why)
{
	uint8_t locator[LOCATOR_BYTES], record[END64_BYTES];
	if (end->place < LOCATOR_BYTES)
		return 0;
	uint64_t place = end->place - LOCATOR_BYTES;
	int rc = extent_read(file, place, locator, sizeof(locator), out_why);
	if (rc < 0 || !is_signed(locator, "PK\6\7"))
		return rc;
	if (place < END64_BYTES)
		return damaged(out_why, "its end is cut");
	place -= END64_BYTES;
	rc = extent_read(file, place, record, sizeof(record), out_why);
	if (rc == 0 && !is_signed(record, "PK\6\6")) {
		place = number(locator + 8, 8);
		rc = extent_read(file, place, record, sizeof(record), out_why);
	}
	if (rc < 0)
		return rc;
	if (!is_signed(record, "PK\6\6") || place > end->place - LOCATOR_BYTES)
		return damaged(out_why, "its end is not where it should be");
	*end = (struct end){.place = place,
	        .disks = number(record + 16, 4) | number(record + 20, 4),
	        .entries_here = number(record + 24, 8),
	        .entries = number(record + 32, 8),
	        .size = number(record + 40, 8),
	        .directory = number(record + 48, 8),
	        .is_64 = true};
	return 0;
}

static int take_end(const struct extent *file, struct end *out, struct reason *out_why)
{
	uint8_t head[4] = {0};
	int rc = find_end(file, out, out_why);
	if (rc == ERR_MISSING) {
		/* What begins like an archive was one. */
		if (file->size < sizeof(head) ||
		        extent_read(file, 0, head, sizeof(head), NULL) < 0 ||
		        !is_signed(head, "PK\3\4"))
			return ERR_MISSING;
		return damaged(out_why, "it has no end");
	}
	if (rc == 0)
		rc = find_end64(file, out, out_why);
	if (rc < 0)
		return rc;
	if (out->disks != 0 || out->entries != out->entries_here)
		return damaged(out_why, "it is split");
	if (out->entries > ENTRIES_MAX)
		return fail(out_why, ERR_LIMIT, "more than %u entries", ENTRIES_MAX);
	if (out->size > out->place || out->directory > out->place - out->size)
		return damaged(out_why, "its directory lies beyond its end");
	return 0;
}

/* --- the directory ---------------------------------------------------------------------------- */

struct walk {
	struct zip *zip;
	uint64_t start; /* of the archive: a program that unpacks it may stand before */
	struct extent directory;
	uint64_t at;     /* what of it is read next */
	struct buf head; /* what was read and not taken */
	struct reason *why;
};

static int want(struct walk *walk, size_t len)
{
	if (walk->head.len >= len)
		return 0;
	uint64_t left = walk->directory.size - walk->at;
	size_t more = left < PIECE_BYTES ? left : PIECE_BYTES;
	if (more < len - walk->head.len)
		more = len - walk->head.len;
	int rc = extent_append(&walk->directory, walk->at, more, &walk->head, walk->why);
	walk->at += rc < 0 ? 0 : more;
	return rc;
}

/* The values that are too large for the entry itself, in this order. */
static int take_zip64(struct walk *walk, struct slice extra, struct zip_entry *entry)
{
	uint64_t *wanted[] = {&entry->size, &entry->packed, &entry->place};
	struct slice field = {0}, head;
	while (slice_take(&extra, 4, &head)) {
		size_t len = number(head.ptr + 2, 2);
		if (!slice_take(&extra, len, &field))
			break; /* some pad with what is no field */
		if (number(head.ptr, 2) == EXTRA_ZIP64)
			break;
		field = (struct slice){0};
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct slice value;
		if (*wanted[i] != IN_ZIP64)
			continue;
		if (!slice_take(&field, 8, &value))
			return damaged(walk->why, "an entry lacks its size or place");
		*wanted[i] = number(value.ptr, 8);
	}
	return 0;
}

static int take_span(struct walk *walk, struct zip_entry *entry)
{
	struct zip *zip = walk->zip;
	uint64_t room = zip->directory - walk->start;
	uint64_t head = LOCAL_BYTES + entry->name.len;
	if (entry->place > room || head > room - entry->place ||
	        entry->packed > room - entry->place - head)
		return damaged(walk->why, "an entry lies beyond its end");
	entry->place += walk->start;
	zip->spans[zip->span_count++] = (struct zip_span){
	        entry->place, entry->place + head + entry->packed};
	return 0;
}

static int take_entry(
        struct walk *walk, int (*each)(void *ctx, const struct zip_entry *entry), void *ctx)
{
	int rc = want(walk, ENTRY_BYTES);
	if (rc < 0)
		return rc;
	const uint8_t *at = walk->head.data;
	size_t name = number(at + 28, 2), extra = number(at + 30, 2), comment = number(at + 32, 2);
	if (!is_signed(at, "PK\1\2"))
		return damaged(walk->why, "its directory has what is no entry");
	rc = want(walk, ENTRY_BYTES + name + extra + comment);
	if (rc < 0)
		return rc;
	at = walk->head.data;
	struct zip_entry entry = {.name = slice_of(at + ENTRY_BYTES, name),
	        .flags = (uint16_t)number(at + 8, 2),
	        .method = (uint16_t)number(at + 10, 2),
	        .crc = (uint32_t)number(at + 16, 4),
	        .packed = number(at + 20, 4),
	        .size = number(at + 24, 4),
	        .place = number(at + 42, 4)};
	if (name == 0 || memchr(entry.name.ptr, '\0', name))
		return damaged(walk->why, "an entry's name is empty or has a NUL byte");
	rc = take_zip64(walk, slice_of(at + ENTRY_BYTES + name, extra), &entry);
	if (rc == 0)
		rc = take_span(walk, &entry);
	if (rc == 0)
		rc = each(ctx, &entry);
	buf_consume(&walk->head, ENTRY_BYTES + name + extra + comment);
	return rc;
}

static int compare_spans(const void *a, const void *b)
{
	const struct zip_span *one = a, *other = b;
	return (one->begin > other->begin) - (one->begin < other->begin);
}

static int check_spans(const struct zip *zip, struct reason *out_why)
{
	if (zip->span_count > 1)
		qsort(zip->spans, zip->span_count, sizeof(*zip->spans), compare_spans);
	for (size_t i = 1; i < zip->span_count; i++)
		if (zip->spans[i].begin < zip->spans[i - 1].end)
			return damaged(out_why, "entries lie over one another");
	return 0;
}

int zip_open(const struct extent *file, int (*each)(void *ctx, const struct zip_entry *entry),
        void *ctx, struct zip *out, struct reason *out_why)
{
	struct end end = {0};
	struct walk walk = {.zip = out, .why = out_why};
	*out = (struct zip){.file = *file};
	int rc = take_end(file, &end, out_why);
	if (rc < 0)
		return rc;
	out->directory = end.place - end.size;
	walk.start = out->directory - end.directory;
	rc = extent_cut(file, out->directory, end.size, &walk.directory, out_why);
	if (rc == 0 && end.entries > end.size / ENTRY_BYTES)
		rc = damaged(out_why, "its directory is cut"); /* before there is memory for it */
	if (rc == 0)
		out->spans = mem_new_array(end.entries + 1, sizeof(*out->spans));
	for (uint64_t i = 0; i < end.entries && rc == 0; i++)
		rc = take_entry(&walk, each, ctx);
	if (rc == 0 && (walk.head.len > 0 || walk.at < end.size))
		rc = damaged(out_why, "its directory has more than its entries");
	if (rc == 0)
		rc = check_spans(out, out_why);
	buf_fini(&walk.head);
	if (rc < 0)
		zip_close(out);
	return rc;
}

void zip_close(struct zip *zip)
{
	free(zip->spans);
	*zip = (struct zip){0};
}

/* --- entries ---------------------------------------------------------------------------------- */

/* Where what comes behind the entry begins. */
static uint64_t end_of_room(const struct zip *zip, uint64_t place)
{
	size_t low = 0, high = zip->span_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (zip->spans[middle].begin > place)
			high = middle;
		else
			low = middle + 1;
	}
	return low < zip->span_count ? zip->spans[low].begin : zip->directory;
}

int zip_locate(const struct zip *zip, const struct zip_entry *entry, struct extent *out,
        struct reason *out_why)
{
	uint8_t head[LOCAL_BYTES];
	struct buf name = BUF_INIT;
	if (entry->flags & FLAG_ENCRYPTED)
		return fail(out_why, ERR_FORMAT, "an entry that is encrypted");
	if (entry->method != ZIP_STORED && entry->method != METHOD_DEFLATED)
		return fail(out_why, ERR_FORMAT, "an entry packed by method %u", entry->method);
	int rc = extent_read(&zip->file, entry->place, head, sizeof(head), out_why);
	if (rc < 0)
		return rc;
	uint64_t name_len = number(head + 26, 2);
	uint64_t data = entry->place + LOCAL_BYTES + name_len + number(head + 28, 2);
	uint64_t end = end_of_room(zip, entry->place);
	if (!is_signed(head, "PK\3\4") || name_len != entry->name.len)
		return damaged(out_why, "an entry is not where it should be");
	if (data > end || entry->packed > end - data)
		return damaged(out_why, "entries lie over one another");
	rc = extent_append(&zip->file, entry->place + LOCAL_BYTES, name_len, &name, out_why);
	if (rc == 0 && !slice_equal(buf_slice(&name), entry->name))
		rc = damaged(out_why, "an entry has two names");
	buf_fini(&name);
	return rc < 0 ? rc : extent_cut(&zip->file, data, entry->packed, out, out_why);
}

int zip_read(const struct zip *zip, const struct zip_entry *entry, size_t limit_bytes,
        struct buf *out, struct reason *out_why)
{
	struct extent packed;
	buf_reset(out);
	if (entry->size > limit_bytes)
		return fail(out_why, ERR_LIMIT, "an entry of more than %zu bytes", limit_bytes);
	int rc = zip_locate(zip, entry, &packed, out_why);
	if (rc < 0)
		return rc;
	if (entry->method == METHOD_DEFLATED)
		rc = unpack(&packed, UNPACK_DEFLATE, entry->size, out, out_why);
	else if (packed.size == entry->size)
		rc = extent_append(&packed, 0, packed.size, out, out_why);
	if (rc < 0)
		return rc;
	if (out->len != entry->size || crc32_z(0, out->data, out->len) != entry->crc)
		return damaged(out_why, "an entry is not what its directory says");
	return 0;
}
