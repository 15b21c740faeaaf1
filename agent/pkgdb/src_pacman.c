/*
 * pacman: the file `desc` of each directory of its local database. There is no vendor in it:
 * PACKAGER is who built the package.
 */
#include "agent/source/folder.h"
#include "agent/pkgdb/holds.h"
#include "agent/pkgdb/install.h"
#include "agent/pkgdb/pacman_db.h"
#include "agent/pkgdb/sources.h"
#include "common/base/text.h"

enum section {
	SECTION_NAME,
	SECTION_VERSION,
	SECTION_BASE,
	SECTION_ARCH,
	SECTION_INSTALLDATE,
	SECTION_COUNT,
};

static const char *const SECTIONS[SECTION_COUNT] = {
        "NAME", "VERSION", "BASE", "ARCH", "INSTALLDATE"};

struct desc {
	struct slice value[SECTION_COUNT];
	const struct holds *groups; /* that are held; NULL: none */
	bool is_held;
};

static int take_value(void *ctx, struct slice section, size_t at, struct slice value)
{
	struct desc *desc = ctx;
	for (size_t i = 0; at == 0 && i < SECTION_COUNT; i++)
		if (slice_is(section, SECTIONS[i]))
			desc->value[i] = value;
	if (desc->groups && slice_is(section, "GROUPS"))
		desc->is_held |= holds_has(desc->groups, value, (struct slice){0});
	return 0;
}

static bool is_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
			return false;
	return text.len > 0 && text.len <= FACT_FIELD_BYTES;
}

static int add(const struct desc *desc, struct fact_list *out)
{
	const struct slice *value = desc->value;
	struct fact fact = {.kind = FACT_PACKAGE};
	uint64_t time_s = 0;
	fact.field[PACKAGE_MANAGER] = slice_text("pacman");
	fact.field[PACKAGE_NAME] = value[SECTION_NAME];
	fact.field[PACKAGE_ARCH] = value[SECTION_ARCH];
	fact.field[PACKAGE_VERSION] = value[SECTION_VERSION];
	fact.field[PACKAGE_SOURCE] = value[SECTION_BASE].ptr ? value[SECTION_BASE]
	                                                     : value[SECTION_NAME];
	fact.field[PACKAGE_SOURCE_VERSION] = value[SECTION_VERSION];
	fact.field[PACKAGE_STATUS] = slice_text("installed");
	if (desc->is_held)
		fact.field[PACKAGE_HOLD] = slice_text("hold");
	text_parse_u64(value[SECTION_INSTALLDATE], INT64_MAX, &time_s);
	int rc = fact_list_add(out, &fact);
	return rc == 0 ? install_add(out, &fact, (int64_t)time_s) : rc;
}

static int parse(struct slice text, const struct holds *groups, struct fact_list *out,
        struct reason *out_why)
{
	struct desc desc = {.groups = groups};
	int rc = pacman_each_value(text, take_value, &desc, out_why);
	if (rc < 0)
		return rc;
	if (!is_word(desc.value[SECTION_NAME]) || !is_word(desc.value[SECTION_VERSION]))
		return fail(out_why, ERR_FORMAT, "a package without name and version");
	for (size_t i = 0; i < SECTION_COUNT; i++)
		if (desc.value[i].ptr && !is_word(desc.value[i]))
			return fail(out_why, ERR_FORMAT, "its %s is not one word", SECTIONS[i]);
	rc = add(&desc, out);
	return rc < 0 ? fail(out_why, rc, "too many packages") : 0;
}

int src_pacman_parse(struct slice text, struct fact_list *out, struct reason *out_why)
{
	return parse(text, NULL, out, out_why);
}

/* ERR_MISSING: pacman removes it just now. */
static int read_package(const struct folder *folder, const char *directory, struct buf *text,
        const struct holds *groups, struct fact_list *out, struct reason *out_why)
{
	struct buf file = BUF_INIT;
	struct reason why = {""};
	buf_printf(&file, "%s/desc", directory);
	int rc = folder_read(folder, buf_text(&file), PACMAN_FILE_BYTES_MAX, text, out_why);
	if (rc == 0) {
		rc = parse(buf_slice(text), groups, out, &why);
		if (rc < 0)
			fail(out_why, rc, "cannot read '%s/%s': %s", PACMAN_DB, buf_text(&file),
			        why.text);
	}
	buf_fini(&file);
	return rc;
}

int src_pacman_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct folder folder;
	struct holds names = HOLDS_INIT, groups = HOLDS_INIT;
	size_t first = out->count;
	struct buf text = BUF_INIT;
	struct slice name, version;
	const char *directory = NULL;
	int rc = folder_open(root, PACMAN_DB, &folder, out_why), more = 0;
	int held = rc == 0 ? holds_read_pacman(root, &names, &groups, out_why) : 0;
	while (rc == 0 && (more = folder_next(&folder, &directory, out_why)) > 0) {
		if (!pacman_split_name(slice_text(directory), &name, &version))
			continue;
		rc = read_package(&folder, directory, &text, &groups, out, out_why);
		if (rc == ERR_MISSING)
			rc = 0;
	}
	folder_close(&folder);
	buf_fini(&text);
	rc = rc == 0 ? more : rc;
	if (rc == 0)
		holds_mark(&names, out, first);
	holds_fini(&names);
	holds_fini(&groups);
	return rc == 0 ? held : rc;
}
