#include "agent/running/microcode.h"

#include <stdlib.h>

#include "agent/source/root.h"
#include "common/base/bytes.h"
#include "common/base/text.h"

#define CPUINFO_BYTES_MAX (8u << 20)
#define FILE_BYTES_MAX    (32u << 20)
#define FLAGS_FILE        "/sys/devices/system/cpu/cpu0/microcode/processor_flags"

/* What CPUID says in eax of leaf 1, which is how the files name a processor. */
static uint32_t signature_of(const struct processor *processor)
{
	uint32_t family = processor->family, model = processor->model;
	uint32_t base = family < 15 ? family : 15, more = family - base;
	return more << 20 | (model >> 4) << 16 | base << 8 | (model & 15) << 4 |
	       (processor->stepping & 15);
}

/* --- what runs -------------------------------------------------------------------------------- */

static bool parse_number(struct slice text, uint32_t *out)
{
	char digits[16];
	char *end;
	if (text.len == 0 || text.len >= sizeof(digits))
		return false;
	memcpy(digits, text.ptr, text.len);
	digits[text.len] = '\0';
	unsigned long number = strtoul(digits, &end, 0);
	*out = (uint32_t)number;
	return *end == '\0' && number <= UINT32_MAX;
}

static bool has_word(struct slice text, const char *word)
{
	struct slice head;
	while (text.len > 0) {
		struct slice rest = {0};
		if (!text_split(text, ' ', &head, &rest))
			head = text;
		if (slice_is(head, word))
			return true;
		text = rest;
	}
	return false;
}

static void take_line(struct slice name, struct slice value, struct processor *out)
{
	uint32_t revision;
	if (slice_is(name, "vendor_id")) {
		out->is_intel = slice_is(value, "GenuineIntel");
		out->is_amd = slice_is(value, "AuthenticAMD");
	} else if (slice_is(name, "cpu family")) {
		parse_number(value, &out->family);
	} else if (slice_is(name, "model")) {
		parse_number(value, &out->model);
	} else if (slice_is(name, "stepping")) {
		parse_number(value, &out->stepping);
	} else if (slice_is(name, "microcode") && parse_number(value, &revision)) {
		out->revision = out->revision == 0 || revision < out->revision ? revision
		                                                               : out->revision;
	} else if (slice_is(name, "flags")) {
		out->is_virtual = has_word(value, "hypervisor");
	}
}

bool microcode_parse_cpuinfo(struct slice text, struct processor *out)
{
	struct slice line, name, value;
	*out = (struct processor){0};
	while (text_take_line(&text, &line))
		if (text_split(line, ':', &name, &value))
			take_line(text_trim(name), text_trim(value), out);
	return (out->is_intel || out->is_amd) && out->family > 0 && out->revision > 0;
}

/* --- Intel: updates one behind the other, each with a header of 48 bytes ---------------------- */

#define INTEL_HEADER   48
#define INTEL_DEFAULT  2048 /* in all, of one that says 0 */
#define INTEL_EXTENDED 20   /* the head of a table of further processors */

static bool is_for(const struct processor *processor, uint32_t signature, uint32_t platforms)
{
	bool fits = platforms == 0 || processor->flags == 0 || platforms & processor->flags;
	return signature == signature_of(processor) && fits;
}

static bool is_in_table(struct slice update, size_t at, const struct processor *processor)
{
	if (update.len < at + INTEL_EXTENDED)
		return false;
	uint32_t count = le32(update.ptr + at);
	for (at += INTEL_EXTENDED; count > 0 && at + 12 <= update.len; at += 12, count--)
		if (is_for(processor, le32(update.ptr + at), le32(update.ptr + at + 4)))
			return true;
	return false;
}

uint32_t microcode_of_intel(struct slice file, const struct processor *processor)
{
	uint32_t newest = 0;
	while (file.len >= INTEL_HEADER && le32(file.ptr) == 1) {
		size_t data = le32(file.ptr + 28), total = le32(file.ptr + 32);
		if (data == 0)
			total = INTEL_DEFAULT;
		if (total < INTEL_HEADER || total > file.len)
			break;
		struct slice update = slice_of(file.ptr, total);
		bool fits = is_for(processor, le32(file.ptr + 12), le32(file.ptr + 24)) ||
		            (data > 0 && is_in_table(update, INTEL_HEADER + data, processor));
		if (fits && le32(file.ptr + 4) > newest)
			newest = le32(file.ptr + 4);
		file = slice_of(file.ptr + total, file.len - total);
	}
	return newest;
}

/* --- AMD: containers, each a table of processors and then patches ----------------------------- */

#define AMD_MAGIC  0x00414d44
#define AMD_TABLE  0
#define AMD_PATCH  1
#define AMD_ENTRY  16
#define AMD_HEADER 26 /* of a patch, as far as it is read */

/* The number that patches have in place of this processor; 0: none. */
static uint32_t find_in_table(struct slice table, uint32_t signature)
{
	for (size_t at = 0; at + AMD_ENTRY <= table.len; at += AMD_ENTRY)
		if (le32(table.ptr + at) == signature)
			return le16(table.ptr + at + 12);
	return 0;
}

uint32_t microcode_of_amd(struct slice file, const struct processor *processor)
{
	uint32_t newest = 0, wanted = 0;
	while (file.len >= 8) {
		uint32_t kind = le32(file.ptr), len = le32(file.ptr + 4);
		if (kind == AMD_MAGIC) { /* the table of this one comes next, at once */
			wanted = 0;
			file = slice_of(file.ptr + 4, file.len - 4);
			continue;
		}
		if ((kind != AMD_TABLE && kind != AMD_PATCH) || len > file.len - 8)
			break;
		struct slice section = slice_of(file.ptr + 8, len);
		if (kind == AMD_TABLE)
			wanted = find_in_table(section, signature_of(processor));
		else if (wanted && len >= AMD_HEADER && le16(section.ptr + 24) == wanted &&
		         le32(section.ptr + 4) > newest)
			newest = le32(section.ptr + 4);
		file = slice_of(section.ptr + len, file.len - 8 - len);
	}
	return newest;
}

/* --- both ------------------------------------------------------------------------------------- */

static void append_name(const struct processor *processor, struct buf *out)
{
	if (processor->is_intel)
		buf_printf(out, "intel-ucode/%02x-%02x-%02x", processor->family, processor->model,
		        processor->stepping);
	else if (processor->family < 21)
		buf_append_text(out, "amd-ucode/microcode_amd.bin");
	else
		buf_printf(out, "amd-ucode/microcode_amd_fam%02xh.bin", processor->family);
}

static uint32_t find_installed(const char *root, const struct processor *processor)
{
	static const char *const FOLDERS[] = {"/lib/firmware/", "/usr/lib/firmware/"};
	struct buf path = BUF_INIT, file = BUF_INIT;
	int rc = -1;
	for (size_t i = 0; rc < 0 && i < sizeof(FOLDERS) / sizeof(FOLDERS[0]); i++) {
		buf_reset(&path);
		buf_append_text(&path, FOLDERS[i]);
		append_name(processor, &path);
		rc = root_read(root, buf_text(&path), FILE_BYTES_MAX, &file, NULL);
	}
	uint32_t found = 0;
	if (rc == 0)
		found = processor->is_intel ? microcode_of_intel(buf_slice(&file), processor)
		                            : microcode_of_amd(buf_slice(&file), processor);
	buf_fini(&path);
	buf_fini(&file);
	return found;
}

static bool read_processor(const char *root, struct processor *out)
{
	struct buf text = BUF_INIT, flags = BUF_INIT;
	bool is_known = root_read(root, "/proc/cpuinfo", CPUINFO_BYTES_MAX, &text, NULL) == 0 &&
	                microcode_parse_cpuinfo(buf_slice(&text), out);
	if (is_known && root_read(root, FLAGS_FILE, 64, &flags, NULL) == 0)
		parse_number(text_trim(buf_slice(&flags)), &out->flags);
	buf_fini(&text);
	buf_fini(&flags);
	return is_known;
}

bool microcode_is_outdated(const char *root, uint32_t *out_runs, uint32_t *out_installed)
{
	struct processor processor;
	if (!read_processor(root, &processor) || processor.is_virtual)
		return false;
	*out_runs = processor.revision;
	*out_installed = find_installed(root, &processor);
	return *out_installed > *out_runs;
}
