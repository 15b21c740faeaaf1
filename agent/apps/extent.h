/*
 * extent - a run of bytes of unknown making: part of a file, or in memory.
 *
 * A plain value that borrows what it points at.
 *
 * Errors   ERR_FORMAT: bytes beyond the end were asked for, as by a header that lies, or the file
 *          has become shorter; a negative errno where reading fails. Always with a reason.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_APPS_EXTENT_H
#define TSUJIBAN_AGENT_APPS_EXTENT_H

#include "agent/apps/app.h"

struct extent {
	const uint8_t *memory; /* NULL: in the file, from `offset` on */
	int fd;
	uint64_t offset, size;
};

struct extent extent_of_file(const struct app_file *file);
struct extent extent_of_memory(struct slice bytes);

/* Exactly so many bytes, from this place on. */
int extent_read(
        const struct extent *extent, uint64_t at, void *out, size_t len, struct reason *out_why);
/* The same behind what `out` has. `len` is capped by the caller. */
int extent_append(const struct extent *extent, uint64_t at, size_t len, struct buf *out,
        struct reason *out_why);
/* A part of it, without reading. */
int extent_cut(const struct extent *extent, uint64_t at, uint64_t len, struct extent *out,
        struct reason *out_why);

#endif
