/*
 * zip - the entries of a zip archive, and what they hold (PKWARE's APPNOTE.TXT 6.3).
 *
 * Read by its central directory, as Java does: what local headers say counts only as far as it
 * agrees. The directory is walked in pieces, and every entry's place is known and checked before
 * the first is read: entries that lie over one another are what makes a small archive unpack to
 * everything there is.
 *
 * Life     zip_open -> read* -> zip_close.
 * Owner    the file stays the caller's; `spans` is freed by zip_close.
 * Errors   ERR_MISSING: no archive. ERR_FORMAT, ERR_LIMIT with a reason: damaged, split, encrypted,
 *          packed by an unknown method, beyond a cap.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_APPS_ZIP_H
#define TSUJIBAN_AGENT_APPS_ZIP_H

#include "agent/apps/extent.h"

struct zip_entry {
	struct slice name;     /* no NUL in it; in zip_open's callback borrowed until it returns */
	uint64_t place;        /* of its local header */
	uint64_t packed, size; /* bytes in the archive, and unpacked */
	uint32_t crc;
	uint16_t flags, method;
};

struct zip_span {
	uint64_t begin, end;
};

struct zip {
	struct extent file;
	uint64_t directory; /* where it begins; entries lie before */
	struct zip_span *spans;
	size_t span_count;
};

/* Hands out every entry in the directory's order; none may be read before zip_open has succeeded.
 * A negative result of `each` ends it and is passed on. */
int zip_open(const struct extent *file, int (*each)(void *ctx, const struct zip_entry *entry),
        void *ctx, struct zip *out, struct reason *out_why);
void zip_close(struct zip *zip);

/* The bytes as they lie in the archive; where `method` is ZIP_STORED they are the entry's own. */
#define ZIP_STORED 0
int zip_locate(const struct zip *zip, const struct zip_entry *entry, struct extent *out,
        struct reason *out_why);
/* What the entry holds, over `out`; its length and sum are as the directory says. */
int zip_read(const struct zip *zip, const struct zip_entry *entry, size_t limit_bytes,
        struct buf *out, struct reason *out_why);

#endif
