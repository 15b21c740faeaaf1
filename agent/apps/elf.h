/*
 * elf - the sections and segments of an ELF file, as far as finding bytes in it needs them.
 *
 * 32 and 64 bit, both byte orders; programs and shared libraries only. Names and layouts are those
 * of the System V ABI, "Object Files"; see elf(5).
 *
 * Life     elf_open; nothing to close.
 * Owner    the file stays the caller's.
 * Errors   0 or negative; ERR_FORMAT with a reason: what a header says does not lie in the file.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_APPS_ELF_H
#define TSUJIBAN_AGENT_APPS_ELF_H

#include "agent/apps/extent.h"

struct elf {
	struct extent file;
	bool is_64;
	bool is_big; /* most significant byte first */
	uint64_t section_headers, segment_headers;
	uint64_t section_count;
	uint64_t names_section;
	uint64_t segment_count;
};

struct elf_segment {
	struct extent bytes;
	uint64_t address; /* where the first of them stands in memory */
	bool is_data;     /* it may be written and not executed */
};

/* ERR_MISSING: no ELF file, or neither a program nor a shared library. */
int elf_open(const struct extent *file, struct elf *out, struct reason *out_why);

/* The first section of each of these names. What there is no section of, or one without bytes in
 * the file, as where only debugging data was kept, is left with size 0. */
int elf_sections(const struct elf *elf, const char *const *names, struct extent *out_parts,
        size_t count, struct reason *out_why);

/* The segment that is loaded at or behind number *at; moves *at behind it. ERR_MISSING: no more. */
int elf_next_segment(
        const struct elf *elf, uint64_t *at, struct elf_segment *out, struct reason *out_why);

/* Exactly so many bytes from where they stand in memory, behind what `out` has. */
int elf_append_memory(const struct elf *elf, uint64_t address, size_t len, struct buf *out,
        struct reason *out_why);

/* A number of 2, 4 or 8 bytes in this byte order. */
uint64_t elf_number(bool is_big, const uint8_t *at, size_t bytes);

#endif
