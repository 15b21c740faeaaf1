/*
 * listing - the names in one directory, in byte order.
 *
 * Life     LISTING_INIT -> listing_read* -> listing_fini. Keeps its memory from run to run.
 * Units    24 bytes an entry besides its name.
 * Errors   -errno of getdents64(2); the listing is not to be used then.
 * Thread   one.
 */
#ifndef TSUJIBAN_AGENT_FIM_LISTING_H
#define TSUJIBAN_AGENT_FIM_LISTING_H

#include "common/base/buf.h"

struct listed {
	uint64_t name_at; /* in names, ended with a NUL byte */
	uint16_t name_len;
	uint8_t type; /* DT_… of readdir(3) */
};

struct listing {
	struct buf names;
	struct listed *entry;
	size_t count, room;
	uint8_t *raw;
};

#define LISTING_INIT ((struct listing){0})

/* Without "." and "..". */
int listing_read(struct listing *listing, int fd);
void listing_fini(struct listing *listing);

static inline struct slice listing_name(const struct listing *listing, size_t index)
{
	const struct listed *entry = &listing->entry[index];
	return slice_of(listing->names.data + entry->name_at, entry->name_len);
}

#endif
