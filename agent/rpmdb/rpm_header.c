#include "agent/rpmdb/rpm_header.h"

#include "common/base/buf.h"
#include "common/base/bytes.h"

#define ENTRY_BYTES 16

enum type {
	TYPE_CHAR = 1,
	TYPE_INT8 = 2,
	TYPE_INT16 = 3,
	TYPE_INT32 = 4,
	TYPE_INT64 = 5,
	TYPE_STRING = 6,
	TYPE_BIN = 7,
	TYPE_STRINGS = 8,
	TYPE_I18NSTRING = 9,
};

struct entry {
	uint32_t tag;
	uint32_t type;
	uint32_t offset;
	uint32_t count;
};

static struct entry entry_at(const struct rpm_header *header, size_t at)
{
	const uint8_t *bytes = header->index.ptr + at * ENTRY_BYTES;
	return (struct entry){
	        .tag = be32(bytes),
	        .type = be32(bytes + 4),
	        .offset = be32(bytes + 8),
	        .count = be32(bytes + 12),
	};
}

/* Bytes of one value; 0: it is a text, whose length is its own. */
static uint32_t width_of(uint32_t type)
{
	switch (type) {
	case TYPE_CHAR:
	case TYPE_INT8:
	case TYPE_BIN:
		return 1;
	case TYPE_INT16:
		return 2;
	case TYPE_INT32:
		return 4;
	case TYPE_INT64:
		return 8;
	default:
		return 0;
	}
}

static bool is_text(uint32_t type)
{
	return type == TYPE_STRING || type == TYPE_STRINGS || type == TYPE_I18NSTRING;
}

static bool take_text(struct slice *rest, struct slice *out)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->ptr, '\0', rest->len) : NULL;
	if (!end)
		return false;
	*out = slice_of(rest->ptr, (size_t)(end - rest->ptr));
	*rest = slice_of(end + 1, rest->len - out->len - 1);
	return true;
}

/* Texts are gone through once for all entries together only if no two overlap: what is gone through
 * in all is held below a limit. */
static bool check_entry(
        const struct rpm_header *header, const struct entry *entry, uint64_t *text_budget)
{
	struct slice rest = header->data, text;
	if (entry->offset > rest.len || entry->count == 0)
		return false;
	rest = slice_of(rest.ptr + entry->offset, rest.len - entry->offset);
	if (width_of(entry->type) > 0)
		return entry->count <= rest.len / width_of(entry->type);
	if (!is_text(entry->type))
		return false;
	for (uint32_t i = 0; i < entry->count; i++) {
		if (!take_text(&rest, &text) || text.len >= *text_budget)
			return false;
		*text_budget -= text.len + 1;
	}
	return true;
}

int rpm_header_open(struct slice bytes, struct rpm_header *out, struct reason *out_why)
{
	uint32_t entries, data;
	if (!slice_take_u32(&bytes, &entries) || !slice_take_u32(&bytes, &data))
		return fail(out_why, ERR_FORMAT, "a header of less than 8 bytes");
	if (entries == 0 || entries > RPM_ENTRIES_MAX || data > RPM_DATA_MAX)
		return fail(
		        out_why, ERR_FORMAT, "a header of %u entries and %u bytes", entries, data);
	if (!slice_take(&bytes, (size_t)entries * ENTRY_BYTES, &out->index) ||
	        !slice_take(&bytes, data, &out->data))
		return fail(out_why, ERR_FORMAT,
		        "a header of %u entries and %u bytes that is cut short", entries, data);
	uint64_t text_budget = 2 * (uint64_t)data + 1;
	for (uint32_t i = 0; i < entries; i++) {
		struct entry entry = entry_at(out, i);
		if (!check_entry(out, &entry, &text_budget))
			return fail(out_why, ERR_FORMAT,
			        "tag %u has type %u, count %u and offset %u of %u bytes", entry.tag,
			        entry.type, entry.count, entry.offset, data);
	}
	return 0;
}

/* The last one counts: what rpm adds at installation stands behind what the package brought. */
static bool find(const struct rpm_header *header, enum rpm_tag tag, struct entry *out)
{
	for (size_t i = header->index.len / ENTRY_BYTES; i > 0; i--) {
		if (be32(header->index.ptr + (i - 1) * ENTRY_BYTES) != (uint32_t)tag)
			continue;
		*out = entry_at(header, i - 1);
		return true;
	}
	return false;
}

uint32_t rpm_header_count(const struct rpm_header *header, enum rpm_tag tag)
{
	struct entry entry;
	return find(header, tag, &entry) ? entry.count : 0;
}

struct rpm_numbers rpm_header_numbers(const struct rpm_header *header, enum rpm_tag tag)
{
	struct entry entry;
	if (!find(header, tag, &entry) || entry.type > TYPE_INT64)
		return (struct rpm_numbers){0};
	return (struct rpm_numbers){
	        .first = header->data.ptr + entry.offset,
	        .count = entry.count,
	        .width = width_of(entry.type),
	};
}

uint64_t rpm_numbers_at(const struct rpm_numbers *numbers, uint32_t at)
{
	uint64_t value = 0;
	if (at >= numbers->count)
		return 0;
	const uint8_t *bytes = numbers->first + (size_t)at * numbers->width;
	for (uint32_t i = 0; i < numbers->width; i++)
		value = value << 8 | bytes[i];
	return value;
}

bool rpm_header_number(
        const struct rpm_header *header, enum rpm_tag tag, uint32_t at, uint64_t *out)
{
	struct rpm_numbers numbers = rpm_header_numbers(header, tag);
	if (at >= numbers.count)
		return false;
	*out = rpm_numbers_at(&numbers, at);
	return true;
}

bool rpm_header_text(const struct rpm_header *header, enum rpm_tag tag, struct slice *out)
{
	struct rpm_texts texts = rpm_header_texts(header, tag);
	return rpm_texts_next(&texts, out);
}

struct rpm_texts rpm_header_texts(const struct rpm_header *header, enum rpm_tag tag)
{
	struct entry entry;
	if (!find(header, tag, &entry) || !is_text(entry.type))
		return (struct rpm_texts){0};
	return (struct rpm_texts){
	        .rest = slice_of(header->data.ptr + entry.offset, header->data.len - entry.offset),
	        .left = entry.count,
	};
}

bool rpm_texts_next(struct rpm_texts *texts, struct slice *out)
{
	if (texts->left == 0)
		return false;
	texts->left--;
	return take_text(&texts->rest, out);
}
