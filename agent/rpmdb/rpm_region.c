#include "agent/rpmdb/rpm_region.h"

#include "common/base/buf.h"
#include "common/base/text.h"

#define ENTRY_BYTES   16
#define TAG_IMMUTABLE 63u

struct entry {
	uint32_t tag;
	uint32_t type;
	uint32_t offset;
	uint32_t count;
};

static bool take_entry(struct slice *rest, struct entry *out)
{
	return slice_take_u32(rest, &out->tag) && slice_take_u32(rest, &out->type) &&
	       slice_take_u32(rest, &out->offset) && slice_take_u32(rest, &out->count);
}

/* --- the region ------------------------------------------------------------------------------ */

struct region {
	struct slice index;
	struct slice data;
};

static bool find_region(const struct rpm_header *header, struct region *out)
{
	struct slice rest = header->index, trailer;
	struct entry entry, last;
	if (!take_entry(&rest, &entry) || entry.tag != TAG_IMMUTABLE ||
	        entry.count != ENTRY_BYTES || entry.offset > header->data.len)
		return false;
	trailer = slice_of(header->data.ptr + entry.offset, header->data.len - entry.offset);
	if (!take_entry(&trailer, &last) || last.tag != TAG_IMMUTABLE)
		return false;
	uint32_t index_len = -last.offset;
	if (index_len < ENTRY_BYTES || index_len % ENTRY_BYTES != 0 ||
	        index_len > header->index.len)
		return false;
	out->index = slice_of(header->index.ptr, index_len);
	out->data = slice_of(header->data.ptr, (size_t)entry.offset + ENTRY_BYTES);
	return true;
}

static void digest_region(const struct region *region, uint8_t out[SHA256_BYTES])
{
	static const uint8_t MAGIC[8] = {0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0};
	struct buf head = BUF_INIT;
	struct digest *digest = digest_new();
	buf_append(&head, MAGIC, sizeof(MAGIC));
	buf_append_u32(&head, (uint32_t)(region->index.len / ENTRY_BYTES));
	buf_append_u32(&head, (uint32_t)region->data.len);
	digest_start(digest);
	digest_update(digest, head.data, head.len);
	digest_update(digest, region->index.ptr, region->index.len);
	digest_update(digest, region->data.ptr, region->data.len);
	digest_finish(digest, out);
	digest_free(digest);
	buf_fini(&head);
}

/* Something of what is believed of files stands behind the region; rpm lets that count. Names and
 * directories do where a package was relocated. */
static bool is_overlaid(const struct rpm_header *header, const struct region *region)
{
	static const uint32_t TAGS[] = {RPM_FILEMODES, RPM_FILEDIGESTS, RPM_FILELINKTOS,
	        RPM_FILEFLAGS, RPM_FILEUSERNAME, RPM_FILEGROUPNAME, RPM_FILECAPS,
	        RPM_FILEDIGESTALGO};
	size_t len = region->index.len;
	struct slice rest = slice_of(header->index.ptr + len, header->index.len - len);
	struct entry entry;
	while (take_entry(&rest, &entry))
		for (size_t i = 0; i < sizeof(TAGS) / sizeof(TAGS[0]); i++)
			if (entry.tag == TAGS[i])
				return true;
	return false;
}

enum rpm_soundness rpm_region_check(const struct rpm_header *header)
{
	uint8_t wanted[SHA256_BYTES], found[SHA256_BYTES];
	struct region region;
	struct slice text;
	if (!rpm_header_text(header, RPM_SHA256HEADER, &text) || !find_region(header, &region))
		return RPM_UNSURE;
	digest_region(&region, found);
	if (!text_parse_hex(text, wanted, sizeof(wanted)) ||
	        memcmp(wanted, found, sizeof(found)) != 0)
		return RPM_FORGED;
	return is_overlaid(header, &region) ? RPM_OVERLAID : RPM_SOUND;
}

/* --- all of it ------------------------------------------------------------------------------- */

/* Where the states lie in the data: one byte each. */
static struct slice find_states(const struct rpm_header *header)
{
	struct slice rest = header->index;
	struct entry entry;
	while (take_entry(&rest, &entry)) {
		bool is_inside = entry.offset <= header->data.len &&
		                 entry.count <= header->data.len - entry.offset;
		if (entry.tag == RPM_FILESTATES && is_inside)
			return slice_of(header->data.ptr + entry.offset, entry.count);
	}
	return slice_of(header->data.ptr, 0);
}

void rpm_header_digest(const struct rpm_header *header, uint8_t out[SHA256_BYTES])
{
	struct digest *digest = digest_new();
	struct slice states = find_states(header);
	const uint8_t *end = states.ptr + states.len;
	digest_start(digest);
	digest_update(digest, header->index.ptr, header->index.len);
	digest_update(digest, header->data.ptr, (size_t)(states.ptr - header->data.ptr));
	digest_update(digest, end, (size_t)(header->data.ptr + header->data.len - end));
	digest_finish(digest, out);
	digest_free(digest);
}
