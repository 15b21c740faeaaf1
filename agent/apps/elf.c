#include "agent/apps/elf.h"

#include <elf.h>

#define SECTIONS_MAX   65536
#define SEGMENTS_MAX   4096
#define NAMES_SIZE_MAX (1u << 20)
#define HEADER_MAX     64 /* bytes, of the file, a section or a segment */

static int damaged(struct reason *out_why, const char *what)
{
	return fail(out_why, ERR_FORMAT, "no whole ELF file: %s", what);
}

uint64_t elf_number(bool is_big, const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;
	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | at[is_big ? i : bytes - 1 - i];
	return value;
}

/* --- the header ------------------------------------------------------------------------------- */

/* A field of a structure that both classes have, of the width and at the place of each. */
#define FIELD(elf, bytes, kind, field)                                                     \
	((elf)->is_64 ? elf_number((elf)->is_big, (bytes) + offsetof(Elf64_##kind, field), \
	                        sizeof(((Elf64_##kind *)0)->field))                        \
	              : elf_number((elf)->is_big, (bytes) + offsetof(Elf32_##kind, field), \
	                        sizeof(((Elf32_##kind *)0)->field)))
#define SIZE(elf, kind) ((elf)->is_64 ? sizeof(Elf64_##kind) : sizeof(Elf32_##kind))

/* Counts that are too large for the header's 16 bits stand in the first section. */
static int take_large_counts(struct elf *elf, struct reason *out_why)
{
	uint8_t first[HEADER_MAX];
	bool is_large = elf->section_count == 0 || elf->names_section == SHN_XINDEX ||
	                elf->segment_count == PN_XNUM;
	if (elf->section_headers == 0)
		elf->section_count = 0;
	if (elf->section_headers == 0 || !is_large)
		return 0;
	int rc = extent_read(&elf->file, elf->section_headers, first, SIZE(elf, Shdr), out_why);
	if (rc < 0)
		return rc;
	if (elf->section_count == 0)
		elf->section_count = FIELD(elf, first, Shdr, sh_size);
	if (elf->names_section == SHN_XINDEX)
		elf->names_section = FIELD(elf, first, Shdr, sh_link);
	if (elf->segment_count == PN_XNUM)
		elf->segment_count = FIELD(elf, first, Shdr, sh_info);
	return 0;
}

static int check_tables(const struct elf *elf, struct reason *out_why)
{
	struct extent table;
	if (elf->section_count > SECTIONS_MAX)
		return fail(out_why, ERR_LIMIT, "more than %u sections", SECTIONS_MAX);
	if (elf->segment_count > SEGMENTS_MAX)
		return fail(out_why, ERR_LIMIT, "more than %u segments", SEGMENTS_MAX);
	if (extent_cut(&elf->file, elf->section_headers, elf->section_count * SIZE(elf, Shdr),
	            &table, NULL) < 0)
		return damaged(out_why, "its sections lie beyond its end");
	if (extent_cut(&elf->file, elf->segment_headers, elf->segment_count * SIZE(elf, Phdr),
	            &table, NULL) < 0)
		return damaged(out_why, "its segments lie beyond its end");
	if (elf->section_count > 0 && elf->names_section >= elf->section_count)
		return damaged(out_why, "its sections have no names");
	return 0;
}

static int take_header(struct elf *elf, const uint8_t *head, struct reason *out_why)
{
	elf->section_headers = FIELD(elf, head, Ehdr, e_shoff);
	elf->segment_headers = FIELD(elf, head, Ehdr, e_phoff);
	elf->section_count = FIELD(elf, head, Ehdr, e_shnum);
	elf->names_section = FIELD(elf, head, Ehdr, e_shstrndx);
	elf->segment_count = FIELD(elf, head, Ehdr, e_phnum);
	if (elf->section_headers > 0 && FIELD(elf, head, Ehdr, e_shentsize) != SIZE(elf, Shdr))
		return damaged(out_why, "its sections are of no known form");
	if (elf->segment_count > 0 && FIELD(elf, head, Ehdr, e_phentsize) != SIZE(elf, Phdr))
		return damaged(out_why, "its segments are of no known form");
	int rc = take_large_counts(elf, out_why);
	return rc < 0 ? rc : check_tables(elf, out_why);
}

static bool is_known(const uint8_t *ident)
{
	return memcmp(ident, ELFMAG, SELFMAG) == 0 &&
	       (ident[EI_CLASS] == ELFCLASS32 || ident[EI_CLASS] == ELFCLASS64) &&
	       (ident[EI_DATA] == ELFDATA2LSB || ident[EI_DATA] == ELFDATA2MSB);
}

int elf_open(const struct extent *file, struct elf *out, struct reason *out_why)
{
	struct elf elf = {.file = *file};
	uint8_t head[HEADER_MAX];
	if (file->size < EI_NIDENT)
		return ERR_MISSING;
	int rc = extent_read(file, 0, head, EI_NIDENT, out_why);
	if (rc < 0)
		return rc;
	if (!is_known(head))
		return ERR_MISSING;
	elf.is_64 = head[EI_CLASS] == ELFCLASS64;
	elf.is_big = head[EI_DATA] == ELFDATA2MSB;
	rc = extent_read(file, 0, head, SIZE(&elf, Ehdr), out_why);
	if (rc < 0)
		return rc;
	uint64_t type = FIELD(&elf, head, Ehdr, e_type);
	if (type != ET_EXEC && type != ET_DYN)
		return ERR_MISSING;
	rc = take_header(&elf, head, out_why);
	if (rc == 0)
		*out = elf;
	return rc;
}

/* --- sections --------------------------------------------------------------------------------- */

static int read_names(
        const struct elf *elf, const uint8_t *headers, struct buf *names, struct reason *out_why)
{
	const uint8_t *header = headers + elf->names_section * SIZE(elf, Shdr);
	uint64_t size = FIELD(elf, header, Shdr, sh_size);
	if (size > NAMES_SIZE_MAX)
		return fail(
		        out_why, ERR_LIMIT, "section names of more than %u bytes", NAMES_SIZE_MAX);
	int rc = extent_append(
	        &elf->file, FIELD(elf, header, Shdr, sh_offset), size, names, out_why);
	buf_append_byte(names, 0); /* the last name may lack its own */
	return rc;
}

static bool is_named(const struct buf *names, uint64_t at, const char *name)
{
	return at < names->len && strcmp((const char *)names->data + at, name) == 0;
}

static int take_section(
        const struct elf *elf, const uint8_t *header, struct extent *out, struct reason *out_why)
{
	if (FIELD(elf, header, Shdr, sh_type) == SHT_NOBITS || out->size > 0)
		return 0;
	return extent_cut(&elf->file, FIELD(elf, header, Shdr, sh_offset),
	        FIELD(elf, header, Shdr, sh_size), out, out_why);
}

int elf_sections(const struct elf *elf, const char *const *names, struct extent *out_parts,
        size_t count, struct reason *out_why)
{
	struct buf headers = BUF_INIT, known = BUF_INIT;
	memset(out_parts, 0, count * sizeof(*out_parts));
	if (elf->section_count == 0)
		return 0;
	size_t step = SIZE(elf, Shdr);
	int rc = extent_append(
	        &elf->file, elf->section_headers, elf->section_count * step, &headers, out_why);
	if (rc == 0)
		rc = read_names(elf, headers.data, &known, out_why);
	for (size_t at = 0; at < headers.len && rc == 0; at += step) {
		const uint8_t *header = headers.data + at;
		for (size_t i = 0; i < count && rc == 0; i++)
			if (is_named(&known, FIELD(elf, header, Shdr, sh_name), names[i]))
				rc = take_section(elf, header, &out_parts[i], out_why);
	}
	buf_fini(&headers);
	buf_fini(&known);
	return rc;
}

/* --- segments --------------------------------------------------------------------------------- */

int elf_next_segment(
        const struct elf *elf, uint64_t *at, struct elf_segment *out, struct reason *out_why)
{
	uint8_t header[HEADER_MAX];
	size_t step = SIZE(elf, Phdr);
	while (*at < elf->segment_count) {
		int rc = extent_read(
		        &elf->file, elf->segment_headers + *at * step, header, step, out_why);
		if (rc < 0)
			return rc;
		++*at;
		if (FIELD(elf, header, Phdr, p_type) != PT_LOAD)
			continue;
		uint64_t flags = FIELD(elf, header, Phdr, p_flags);
		out->address = FIELD(elf, header, Phdr, p_vaddr);
		out->is_data = (flags & (PF_W | PF_X)) == PF_W;
		return extent_cut(&elf->file, FIELD(elf, header, Phdr, p_offset),
		        FIELD(elf, header, Phdr, p_filesz), &out->bytes, out_why);
	}
	return ERR_MISSING;
}

int elf_append_memory(const struct elf *elf, uint64_t address, size_t len, struct buf *out,
        struct reason *out_why)
{
	struct elf_segment segment;
	uint64_t at = 0;
	int rc;
	while ((rc = elf_next_segment(elf, &at, &segment, out_why)) == 0) {
		uint64_t within = address - segment.address;
		if (address >= segment.address && within <= segment.bytes.size &&
		        len <= segment.bytes.size - within)
			return extent_append(&segment.bytes, within, len, out, out_why);
	}
	return rc == ERR_MISSING ? damaged(out_why, "an address that is in no segment") : rc;
}
