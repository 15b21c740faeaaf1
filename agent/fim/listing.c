#include "agent/fim/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/mem.h"

#define RAW_BYTES (32u << 10)

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static void take(struct listing *listing, const struct dirent64 *record)
{
	if (is_dot(record->d_name))
		return;
	if (listing->count == listing->room) {
		listing->room = listing->room ? listing->room * 2 : 64;
		listing->entry = mem_resize(
		        listing->entry, listing->room * sizeof(*listing->entry));
	}
	size_t len = strlen(record->d_name);
	listing->entry[listing->count++] = (struct listed){
	        .name_at = listing->names.len,
	        .name_len = (uint16_t)len,
	        .type = record->d_type,
	};
	buf_append(&listing->names, record->d_name, len + 1);
}

/* strcmp compares bytes as unsigned, and a name has no NUL byte. */
static int by_name(const void *a, const void *b, void *names)
{
	const struct listed *left = a, *right = b;
	const char *base = names;
	return strcmp(base + left->name_at, base + right->name_at);
}

int listing_read(struct listing *listing, int fd)
{
	listing->count = 0;
	buf_reset(&listing->names);
	if (!listing->raw)
		listing->raw = mem_new(RAW_BYTES);
	for (;;) {
		ssize_t len = getdents64(fd, listing->raw, RAW_BYTES);
		if (len < 0)
			return -errno;
		if (len == 0)
			break;
		for (ssize_t at = 0; at < len;) {
			const struct dirent64 *record = (const void *)(listing->raw + at);
			take(listing, record);
			at += record->d_reclen;
		}
	}
	if (listing->count > 1)
		qsort_r(listing->entry, listing->count, sizeof(*listing->entry), by_name,
		        listing->names.data);
	return 0;
}

void listing_fini(struct listing *listing)
{
	buf_fini(&listing->names);
	free(listing->entry);
	free(listing->raw);
	*listing = LISTING_INIT;
}
