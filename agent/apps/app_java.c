/*
 * Java archives, and the archives that lie in them: an application in a .war or a Spring Boot .jar
 * brings its libraries along. Those that are stored are read where they lie, those that are packed
 * are unpacked into memory, one in each depth at a time.
 *
 * What an archive says of itself comes from what Maven left in it (a shaded one has that of all
 * that went into it), else from its manifest, else from its name.
 */
#include <stdlib.h>

#include "agent/apps/app_text.h"
#include "agent/apps/java_names.h"
#include "agent/apps/readers.h"
#include "agent/apps/several.h"
#include "agent/apps/zip.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define DEPTH_MAX        3 /* archives in archives; an .ear has a .war has a .jar */
#define ARCHIVES_MAX     4096
#define KEPT_MAX         4096       /* entries of one archive that are read */
#define NAMES_BYTES_MAX  (4u << 20) /* of those */
#define PROPERTIES_MAX   (64u << 10)
#define MANIFEST_MAX     (8u << 20) /* a signed one has a section for each class */
#define MEMORY_BYTES_MAX (64u << 20)
#define UNPACK_BYTES_MAX (512ull << 20)
#define MAVEN_DIR        "META-INF/maven/"
#define MAVEN_FILE       "/pom.properties"
#define MANIFEST         "META-INF/MANIFEST.MF"

enum kind {
	KIND_PROPERTIES,
	KIND_MANIFEST,
	KIND_ARCHIVE,
};

struct kept {
	enum kind kind;
	struct zip_entry entry;
};

/* One file and all that lies in it. */
struct java {
	struct several several;
	struct reason *why;
	unsigned archives_left;
	uint64_t unpack_left; /* bytes, in all */
	uint64_t memory_left; /* bytes, at one time */
	bool is_told;         /* the reason says where */
};

struct archive {
	struct java *java;
	struct slice path; /* "a.war!/WEB-INF/lib/b.jar" */
	struct zip zip;
	struct arena *names;
	struct kept *kept;
	size_t kept_count;
	bool is_named;
};

static int read_archive(
        struct java *java, const struct extent *file, struct slice path, unsigned depth);

static bool is_archive_name(struct slice name)
{
	return name.len > 4 && (app_is_nocase(app_after(name, name.len - 4), ".jar") ||
	                               app_is_nocase(app_after(name, name.len - 4), ".war") ||
	                               app_is_nocase(app_after(name, name.len - 4), ".ear"));
}

bool app_java_matches(struct slice path, mode_t mode)
{
	return S_ISREG(mode) && is_archive_name(app_path_name(path, 0));
}

/* --- its entries ------------------------------------------------------------------------------ */

static bool is_kept(struct slice name, enum kind *out)
{
	if (slice_starts_with(name, slice_text(MAVEN_DIR)) && app_ends_with(name, MAVEN_FILE))
		*out = KIND_PROPERTIES;
	else if (app_is_nocase(name, MANIFEST))
		*out = KIND_MANIFEST;
	else if (is_archive_name(name))
		*out = KIND_ARCHIVE;
	else
		return false;
	return true;
}

static int keep(void *ctx, const struct zip_entry *entry)
{
	struct archive *archive = ctx;
	enum kind kind;
	if (!is_kept(entry->name, &kind))
		return 0;
	if (archive->kept_count == KEPT_MAX)
		return fail(archive->java->why, ERR_LIMIT, "more than %u archives and names in it",
		        KEPT_MAX);
	if (!archive->kept)
		archive->kept = mem_new_array(KEPT_MAX, sizeof(*archive->kept));
	struct kept *kept = &archive->kept[archive->kept_count++];
	*kept = (struct kept){.kind = kind, .entry = *entry};
	kept->entry.name = arena_copy(archive->names, entry->name);
	return kept->entry.name.ptr ? 0
	                            : fail(archive->java->why, ERR_LIMIT,
	                                      "names of more than %u bytes", NAMES_BYTES_MAX);
}

static int unpack_entry(
        struct archive *archive, const struct zip_entry *entry, size_t limit_bytes, struct buf *out)
{
	struct java *java = archive->java;
	if (entry->size > java->unpack_left)
		return fail(
		        java->why, ERR_LIMIT, "more than %llu bytes to unpack", UNPACK_BYTES_MAX);
	int rc = zip_read(&archive->zip, entry, limit_bytes, out, java->why);
	java->unpack_left -= rc < 0 ? 0 : entry->size;
	return rc;
}

/* --- who it is -------------------------------------------------------------------------------- */

static int add(struct archive *archive, const struct java_artifact *artifact)
{
	struct java *java = archive->java;
	struct buf name = BUF_INIT;
	buf_append_slice(&name, artifact->group);
	if (name.len > 0)
		buf_append_byte(&name, ':');
	buf_append_slice(&name, artifact->name);
	archive->is_named = true;
	int rc = several_add(&java->several, "maven", buf_slice(&name), artifact->version,
	        archive->path, java->why);
	buf_fini(&name);
	return rc;
}

static struct slice name_of(const struct archive *archive)
{
	return app_path_name(archive->path, 0);
}

static int take_text(struct archive *archive, enum kind kind, struct slice text)
{
	struct java_artifact artifact;
	struct buf unfolded = BUF_INIT;
	bool is_taken = kind == KIND_PROPERTIES
	                        ? java_take_properties(text, &artifact)
	                        : java_take_manifest(text, name_of(archive), &unfolded, &artifact);
	int rc = is_taken ? add(archive, &artifact) : 0;
	buf_fini(&unfolded);
	return rc;
}

static int take_texts(struct archive *archive, enum kind kind, size_t limit_bytes)
{
	struct buf text = BUF_INIT;
	int rc = 0;
	for (size_t i = 0; i < archive->kept_count && rc == 0; i++) {
		const struct kept *kept = &archive->kept[i];
		if (kept->kind != kind)
			continue;
		rc = unpack_entry(archive, &kept->entry, limit_bytes, &text);
		if (rc == 0)
			rc = take_text(archive, kind, buf_slice(&text));
	}
	buf_fini(&text);
	return rc;
}

static int name_archive(struct archive *archive)
{
	struct java_artifact artifact;
	int rc = take_texts(archive, KIND_PROPERTIES, PROPERTIES_MAX);
	if (rc == 0 && !archive->is_named)
		rc = take_texts(archive, KIND_MANIFEST, MANIFEST_MAX);
	if (rc == 0 && !archive->is_named && java_take_file_name(name_of(archive), &artifact))
		rc = add(archive, &artifact);
	return rc;
}

/* --- what lies in it -------------------------------------------------------------------------- */

static int read_packed(
        struct archive *archive, const struct zip_entry *entry, struct slice path, unsigned depth)
{
	struct java *java = archive->java;
	struct buf bytes = BUF_INIT;
	int rc = unpack_entry(archive, entry, java->memory_left, &bytes);
	if (rc == 0) {
		struct extent inner = extent_of_memory(buf_slice(&bytes));
		java->memory_left -= entry->size;
		rc = read_archive(java, &inner, path, depth);
		java->memory_left += entry->size;
	}
	buf_fini(&bytes);
	return rc;
}

static int read_inner(
        struct archive *archive, const struct zip_entry *entry, struct slice path, unsigned depth)
{
	struct extent inner;
	if (entry->method != ZIP_STORED)
		return read_packed(archive, entry, path, depth);
	int rc = zip_locate(&archive->zip, entry, &inner, archive->java->why);
	return rc < 0 ? rc : read_archive(archive->java, &inner, path, depth);
}

/* The innermost archive that is refused is what the reason names. */
static int tell_where(struct java *java, struct slice path, int rc)
{
	struct reason inner;
	struct buf shown = BUF_INIT;
	if (rc >= 0 || java->is_told)
		return rc;
	java->is_told = true;
	memcpy(&inner, java->why, sizeof(inner));
	text_append_display(&shown, path);
	rc = fail(java->why, rc, "cannot read '%s' in it: %s", buf_text(&shown), inner.text);
	buf_fini(&shown);
	return rc;
}

static int read_inner_archives(struct archive *archive, unsigned depth)
{
	struct buf path = BUF_INIT;
	int rc = 0;
	for (size_t i = 0; i < archive->kept_count && rc == 0; i++) {
		const struct kept *kept = &archive->kept[i];
		if (kept->kind != KIND_ARCHIVE)
			continue;
		buf_reset(&path);
		buf_append_slice(&path, archive->path);
		buf_append_text(&path, "!/");
		buf_append_slice(&path, kept->entry.name);
		rc = read_inner(archive, &kept->entry, buf_slice(&path), depth);
		if (rc == ERR_MISSING)
			rc = 0; /* a name like an archive's, and none */
		rc = tell_where(archive->java, kept->entry.name, rc);
	}
	buf_fini(&path);
	return rc;
}

static int read_archive(
        struct java *java, const struct extent *file, struct slice path, unsigned depth)
{
	struct archive archive = {.java = java, .path = path};
	if (java->archives_left == 0)
		return fail(java->why, ERR_LIMIT, "more than %u archives in it", ARCHIVES_MAX);
	java->archives_left--;
	archive.names = arena_new(NAMES_BYTES_MAX);
	int rc = zip_open(file, keep, &archive, &archive.zip, java->why);
	if (rc == 0) {
		rc = name_archive(&archive);
		if (rc == 0 && depth < DEPTH_MAX)
			rc = read_inner_archives(&archive, depth + 1);
		zip_close(&archive.zip);
	}
	free(archive.kept);
	arena_free(archive.names);
	return rc;
}

int app_java_read(const struct app_file *file, struct fact_list *out, struct reason *out_why)
{
	struct reason why = {""};
	struct java java = {.several = several_begin(out),
	        .why = &why,
	        .archives_left = ARCHIVES_MAX,
	        .unpack_left = UNPACK_BYTES_MAX,
	        .memory_left = MEMORY_BYTES_MAX};
	struct extent bytes = extent_of_file(file);
	int rc = several_end(&java.several, read_archive(&java, &bytes, file->path, 0));
	if (rc < 0 && out_why)
		*out_why = why;
	return rc;
}
