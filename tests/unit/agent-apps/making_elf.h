/* Small ELF files: sections one behind the other, all in one writable segment at MAKING_BASE. */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_APPS_MAKING_ELF_H
#define TSUJIBAN_TESTS_UNIT_AGENT_APPS_MAKING_ELF_H

#include <elf.h>

#include "common/base/buf.h"

#define MAKING_BASE  0x400000u
#define MAKING_PARTS 4

struct making {
	bool is_32, is_big;
	bool has_no_sections;
	uint16_t type; /* 0: a program */
	struct {
		const char *name;
		struct slice bytes;
	} part[MAKING_PARTS];
	size_t count;
};

static inline void making_number(
        const struct making *making, struct buf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		size_t shift = 8 * (making->is_big ? bytes - 1 - i : i);
		buf_append_byte(out, (uint8_t)(value >> shift));
	}
}

static inline size_t making_width(const struct making *making)
{
	return making->is_32 ? 4 : 8;
}

/* Of the part's first byte in the file; there is room for the headers before. */
static inline size_t making_offset(const struct making *making, size_t part)
{
	size_t at = 128;
	for (size_t i = 0; i < part; i++)
		at += (making->part[i].bytes.len + 15) / 16 * 16;
	return at;
}

static inline void making_header(
        const struct making *making, struct buf *out, size_t names, size_t sections)
{
	size_t width = making_width(making), count = making->count + 2;
	uint8_t ident[EI_NIDENT] = {0x7f, 'E', 'L', 'F', making->is_32 ? ELFCLASS32 : ELFCLASS64,
	        making->is_big ? ELFDATA2MSB : ELFDATA2LSB, EV_CURRENT};
	buf_append(out, ident, sizeof(ident));
	making_number(making, out, making->type ? making->type : ET_EXEC, 2);
	making_number(making, out, EM_X86_64, 2);
	making_number(making, out, EV_CURRENT, 4);
	making_number(making, out, MAKING_BASE, width);
	making_number(making, out, making->is_32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr), width);
	making_number(making, out, making->has_no_sections ? 0 : sections, width);
	making_number(making, out, 0, 4);
	making_number(making, out, making->is_32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr), 2);
	making_number(making, out, making->is_32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr), 2);
	making_number(making, out, 1, 2);
	making_number(making, out, making->is_32 ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr), 2);
	making_number(making, out, making->has_no_sections ? 0 : count, 2);
	making_number(making, out, making->has_no_sections ? 0 : count - 1, 2);
	/* The segment. */
	making_number(making, out, PT_LOAD, 4);
	if (!making->is_32)
		making_number(making, out, PF_R | PF_W, 4);
	making_number(making, out, 0, width);
	making_number(making, out, MAKING_BASE, width);
	making_number(making, out, MAKING_BASE, width);
	making_number(making, out, names, width);
	making_number(making, out, names, width);
	if (making->is_32)
		making_number(making, out, PF_R | PF_W, 4);
	making_number(making, out, 16, width);
}

static inline void making_section(const struct making *making, struct buf *out, size_t name,
        uint32_t type, size_t offset, size_t size)
{
	size_t width = making_width(making);
	making_number(making, out, name, 4);
	making_number(making, out, type, 4);
	making_number(making, out, 0, width);
	making_number(making, out, type == SHT_NULL ? 0 : MAKING_BASE + offset, width);
	making_number(making, out, offset, width);
	making_number(making, out, size, width);
	making_number(making, out, 0, 4);
	making_number(making, out, 0, 4);
	making_number(making, out, 1, width);
	making_number(making, out, 0, width);
}

static inline void making_pad(struct buf *out, size_t until)
{
	while (out->len < until)
		buf_append_byte(out, 0);
}

/* Over `out`. */
static inline void making_finish(const struct making *making, struct buf *out)
{
	size_t names = making_offset(making, making->count);
	struct buf texts = BUF_INIT;
	size_t name_at[MAKING_PARTS + 1];
	buf_append_byte(&texts, 0);
	for (size_t i = 0; i <= making->count; i++) {
		const char *name = i < making->count ? making->part[i].name : ".shstrtab";
		name_at[i] = texts.len;
		buf_append(&texts, name, strlen(name) + 1);
	}
	size_t sections = (names + texts.len + 15) / 16 * 16;
	buf_reset(out);
	making_header(making, out, names, sections);
	for (size_t i = 0; i < making->count; i++) {
		making_pad(out, making_offset(making, i));
		buf_append_slice(out, making->part[i].bytes);
	}
	making_pad(out, names);
	if (!making->has_no_sections) {
		buf_append_slice(out, buf_slice(&texts));
		making_pad(out, sections);
		making_section(making, out, 0, SHT_NULL, 0, 0);
		for (size_t i = 0; i < making->count; i++)
			making_section(making, out, name_at[i], SHT_PROGBITS,
			        making_offset(making, i), making->part[i].bytes.len);
		making_section(making, out, name_at[making->count], SHT_STRTAB, names, texts.len);
	}
	buf_fini(&texts);
}

/* --- what stands in them ---------------------------------------------------------------------- */

#define MAKING_MARK "0123456789abcdef"

/* As programs built by Go 1.18 and newer have it. */
static inline void making_go(struct buf *out, const char *version, const char *modules)
{
	static const uint8_t REST[16] = {0};
	struct buf marked = BUF_INIT;
	buf_append_text(&marked, MAKING_MARK);
	buf_append_text(&marked, modules);
	buf_append_text(&marked, MAKING_MARK);
	buf_reset(out);
	buf_append_text(out, "\xff Go buildinf:\x08\x02");
	buf_append(out, REST, sizeof(REST));
	buf_append_varint(out, strlen(version));
	buf_append_text(out, version);
	buf_append_varint(out, marked.len);
	buf_append_slice(out, buf_slice(&marked));
	buf_fini(&marked);
}

/* As older ones have it, when it is the first part: pointers to strings behind it. */
static inline void making_old_go(
        const struct making *making, struct buf *out, const char *version, const char *modules)
{
	size_t width = making_width(making), here = MAKING_BASE + making_offset(making, 0);
	size_t strings = here + 32, texts = strings + 4 * width;
	size_t modules_len = strlen(modules) + (size_t)2 * strlen(MAKING_MARK);
	buf_reset(out);
	buf_append_text(out, "\xff Go buildinf:");
	buf_append_byte(out, (uint8_t)width);
	buf_append_byte(out, making->is_big ? 1 : 0);
	making_number(making, out, strings, width);
	making_number(making, out, strings + 2 * width, width);
	making_pad(out, 32);
	making_number(making, out, texts, width);
	making_number(making, out, strlen(version), width);
	making_number(making, out, texts + strlen(version), width);
	making_number(making, out, modules_len, width);
	buf_append_text(out, version);
	buf_append_text(out, MAKING_MARK);
	buf_append_text(out, modules);
	buf_append_text(out, MAKING_MARK);
}

#endif
