/*
 * Build information of Go programs (Go's documentation of debug/buildinfo and runtime/debug). It
 * begins, at a multiple of 16 bytes, with
 *
 *	14 bytes	"\xff Go buildinf:"
 *	1		size of a pointer
 *	1		flags: 1 most significant byte first, 2 the texts follow
 *	16		since Go 1.18 nothing; before, pointers to two strings in memory
 *	then, since Go 1.18: version and modules, each a varint length and so many bytes
 *
 * A string in memory is a pointer and a length. Modules are lines between two marks of 16 bytes:
 * "path", "mod", "dep", "=>", "build", then their words, each behind a tab.
 */
#include "agent/apps/app_text.h"
#include "agent/apps/program.h"
#include "common/base/text.h"

#define MAGIC         "\xff Go buildinf:"
#define MAGIC_BYTES   14
#define HEAD_BYTES    32
#define ALIGN         16
#define MARK_BYTES    16
#define FLAG_BIG      1
#define FLAG_INLINE   2
#define VARINT_BYTES  10
#define VERSION_MAX   1024
#define MODULES_MAX   (4u << 20)
#define SEARCH_MAX    (1u << 20) /* of a data segment; linkers place it first */
#define PIECE_BYTES   (64u << 10)
#define LOCAL_VERSION "(devel)"

/* --- where it is ------------------------------------------------------------------------------ */

static const uint8_t *find_magic(const uint8_t *bytes, size_t len)
{
	const uint8_t *at = bytes;
	while ((at = memmem(at, len - (size_t)(at - bytes), MAGIC, MAGIC_BYTES))) {
		if ((size_t)(at - bytes) % ALIGN == 0)
			return at;
		at++;
	}
	return NULL;
}

/* Pieces begin at multiples of ALIGN, so that the magic lies in one piece whole. */
static int search(const struct extent *where, uint64_t *out_at, struct reason *out_why)
{
	uint64_t size = where->size < SEARCH_MAX ? where->size : SEARCH_MAX;
	struct buf piece = BUF_INIT;
	int rc = ERR_MISSING;
	for (uint64_t at = 0; at < size && rc == ERR_MISSING; at += PIECE_BYTES) {
		buf_reset(&piece);
		size_t len = size - at < PIECE_BYTES ? size - at : PIECE_BYTES;
		int failed = extent_append(where, at, len, &piece, out_why);
		const uint8_t *found = failed < 0 ? NULL : find_magic(piece.data, len);
		if (found)
			*out_at = at + (uint64_t)(found - piece.data);
		rc = failed < 0 ? failed : found ? 0 : ERR_MISSING;
	}
	buf_fini(&piece);
	return rc;
}

/* Cuts off what is before the magic. ERR_MISSING: this is no Go program. */
static int find(const struct program *program, struct extent *out, struct reason *out_why)
{
	struct extent where = program->go_section;
	uint64_t at = 0, next = 0;
	int rc = ERR_MISSING;
	if (where.size > 0) {
		rc = search(&where, &at, out_why);
		if (rc == ERR_MISSING)
			rc = fail(out_why, ERR_FORMAT, "no build information of Go in its section");
		return rc < 0 ? rc : extent_cut(&where, at, where.size - at, out, out_why);
	}
	while (rc == ERR_MISSING) {
		struct elf_segment segment;
		rc = elf_next_segment(&program->elf, &next, &segment, out_why);
		if (rc < 0)
			return rc;
		where = segment.bytes;
		rc = segment.is_data ? search(&where, &at, out_why) : ERR_MISSING;
	}
	return rc < 0 ? rc : extent_cut(&where, at, where.size - at, out, out_why);
}

/* --- what it says ----------------------------------------------------------------------------- */

static int too_long(struct reason *out_why)
{
	return fail(out_why, ERR_LIMIT, "build information of Go that is too long");
}

static int read_inline(const struct extent *info, uint64_t *at, uint64_t limit_bytes,
        struct buf *out, struct reason *out_why)
{
	uint8_t head[VARINT_BYTES] = {0};
	uint64_t left = info->size - *at, len = 0;
	struct slice rest = slice_of(head, left < sizeof(head) ? left : sizeof(head));
	size_t had = rest.len;
	int rc = extent_read(info, *at, head, rest.len, out_why);
	if (rc < 0)
		return rc;
	if (!slice_take_varint(&rest, &len))
		return fail(out_why, ERR_FORMAT, "build information of Go that is cut");
	if (len > limit_bytes)
		return too_long(out_why);
	*at += had - rest.len;
	rc = extent_append(info, *at, len, out, out_why);
	*at += len;
	return rc;
}

static int read_pointed(const struct elf *elf, const uint8_t *pointer, size_t width, bool is_big,
        uint64_t limit_bytes, struct buf *out, struct reason *out_why)
{
	uint64_t address = elf_number(is_big, pointer, width);
	struct buf string = BUF_INIT;
	if (address == 0)
		return 0;
	int rc = elf_append_memory(elf, address, 2 * width, &string, out_why);
	if (rc == 0) {
		uint64_t at = elf_number(is_big, string.data, width);
		uint64_t len = elf_number(is_big, string.data + width, width);
		if (len > limit_bytes)
			rc = too_long(out_why);
		else if (len > 0)
			rc = elf_append_memory(elf, at, len, out, out_why);
	}
	buf_fini(&string);
	return rc;
}

static int read_texts(const struct program *program, const struct extent *info, struct buf *version,
        struct buf *modules, struct reason *out_why)
{
	uint8_t head[HEAD_BYTES];
	int rc = extent_read(info, 0, head, sizeof(head), out_why);
	if (rc < 0)
		return rc;
	size_t width = head[MAGIC_BYTES];
	uint8_t flags = head[MAGIC_BYTES + 1];
	if (flags & FLAG_INLINE) {
		uint64_t at = HEAD_BYTES;
		rc = read_inline(info, &at, VERSION_MAX, version, out_why);
		return rc < 0 ? rc : read_inline(info, &at, MODULES_MAX, modules, out_why);
	}
	if (width != 4 && width != 8)
		return fail(out_why, ERR_FORMAT, "build information of Go of no known form");
	bool is_big = flags & FLAG_BIG;
	const uint8_t *pointers = head + MAGIC_BYTES + 2;
	rc = read_pointed(&program->elf, pointers, width, is_big, VERSION_MAX, version, out_why);
	return rc < 0 ? rc
	              : read_pointed(&program->elf, pointers + width, width, is_big, MODULES_MAX,
	                        modules, out_why);
}

/* "go1.22.3", "go1.23.1 X:nocoverageredesign", "devel go1.25-abc Mon …", "devel +abc Mon …". */
static struct slice release_of(struct slice version)
{
	struct slice word = version, rest = {0};
	bool has_more = text_split(version, ' ', &word, &rest);
	if (has_more && slice_is(word, "devel") && !text_split(rest, ' ', &word, &rest))
		word = rest;
	return slice_starts_with(word, slice_text("go")) ? app_after(word, 2) : word;
}

/* --- modules ---------------------------------------------------------------------------------- */

struct module {
	struct slice path, version;
};

static struct module module_of(struct slice words)
{
	struct module module = {0};
	struct slice rest;
	if (!text_split(words, '\t', &module.path, &rest)) {
		module.path = words;
		return module;
	}
	if (!text_split(rest, '\t', &module.version, &rest))
		module.version = rest;
	return module;
}

/* What replaces a module may be a directory of whoever built it: then the module keeps its name,
 * for that is what other hosts know it by, and is no release. */
static void replace(struct module *module, struct module by)
{
	bool is_directory = by.path.len > 0 && (by.path.ptr[0] == '.' || by.path.ptr[0] == '/');
	if (!is_directory)
		module->path = by.path;
	module->version = is_directory ? slice_text(LOCAL_VERSION) : by.version;
}

static int add_module(
        struct several *out, struct module *module, struct slice path, struct reason *out_why)
{
	struct module one = *module;
	*module = (struct module){0};
	if (one.path.len == 0)
		return 0;
	if (one.version.len == 0)
		one.version = slice_text(LOCAL_VERSION);
	return several_add(out, "golang", one.path, one.version, path, out_why);
}

int program_golang_modules(
        struct slice modules, struct slice path, struct several *out, struct reason *out_why)
{
	struct module last = {0};
	struct slice line, kind, words;
	int rc = 0;
	while (rc == 0 && text_take_line(&modules, &line)) {
		if (!text_split(line, '\t', &kind, &words))
			continue;
		if (slice_is(kind, "=>") && last.path.len > 0) {
			replace(&last, module_of(words));
		} else if (slice_is(kind, "mod") || slice_is(kind, "dep")) {
			rc = add_module(out, &last, path, out_why);
			last = module_of(words);
		}
	}
	return rc < 0 ? rc : add_module(out, &last, path, out_why);
}

/* As the runtime does: what is not between marks is nothing. */
static struct slice without_marks(struct slice modules)
{
	if (modules.len <= (size_t)2 * MARK_BYTES ||
	        modules.ptr[modules.len - MARK_BYTES - 1] != '\n')
		return (struct slice){0};
	return slice_of(modules.ptr + MARK_BYTES, modules.len - (size_t)2 * MARK_BYTES);
}

int program_golang(const struct program *program, struct several *out, struct reason *out_why)
{
	struct buf version = BUF_INIT, modules = BUF_INIT;
	struct extent info;
	int rc = find(program, &info, out_why);
	if (rc < 0)
		return rc == ERR_MISSING ? 0 : rc;
	rc = read_texts(program, &info, &version, &modules, out_why);
	struct slice path = program->file->path, release = release_of(buf_slice(&version));
	if (rc == 0 && release.len > 0)
		rc = several_add(out, "golang", slice_text("stdlib"), release, path, out_why);
	if (rc == 0)
		rc = program_golang_modules(without_marks(buf_slice(&modules)), path, out, out_why);
	buf_fini(&version);
	buf_fini(&modules);
	return rc;
}
