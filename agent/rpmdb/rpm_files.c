#include "agent/rpmdb/rpm_files.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"

struct rpm_files {
	struct rpm_header header;
	struct slice *directory;
	uint32_t count;
	uint32_t at;
	uint32_t algorithm;
	struct rpm_numbers indexes, modes, flags, states, sizes;
	struct rpm_texts names, digests, links, users, groups, capabilities;
};

/* Nothing is ever more than one value a file; what is absent is empty or 0 for each. */
static int check_lengths(const struct rpm_header *header, uint32_t count, struct reason *out_why)
{
	static const enum rpm_tag LISTS[] = {RPM_DIRINDEXES, RPM_FILEMODES, RPM_FILEDIGESTS,
	        RPM_FILELINKTOS, RPM_FILEFLAGS, RPM_FILEUSERNAME, RPM_FILEGROUPNAME, RPM_FILESTATES,
	        RPM_FILESIZES, RPM_LONGFILESIZES, RPM_FILECAPS};
	for (size_t i = 0; i < sizeof(LISTS) / sizeof(LISTS[0]); i++) {
		bool is_needed = LISTS[i] == RPM_DIRINDEXES || LISTS[i] == RPM_FILEMODES;
		uint32_t own = is_needed ? rpm_header_numbers(header, LISTS[i]).count
		                         : rpm_header_count(header, LISTS[i]);
		if (own != count && (own > 0 || is_needed))
			return fail(out_why, ERR_FORMAT, "tag %u has %u values for %u files",
			        (unsigned)LISTS[i], own, count);
	}
	return 0;
}

static bool is_directory(struct slice path)
{
	return path.len > 0 && path.ptr[0] == '/' && path.ptr[path.len - 1] == '/';
}

static int take_directories(struct rpm_files *files, struct reason *out_why)
{
	struct rpm_texts texts = rpm_header_texts(&files->header, RPM_DIRNAMES);
	uint32_t count = texts.left;
	if (count == 0)
		return fail(out_why, ERR_FORMAT, "files without directories");
	if (count > RPM_FILES_MAX)
		return fail(out_why, ERR_LIMIT, "%u directories", count);
	files->directory = mem_new_array(count, sizeof(*files->directory));
	for (uint32_t i = 0; i < count; i++) {
		rpm_texts_next(&texts, &files->directory[i]);
		if (!is_directory(files->directory[i]))
			return fail(out_why, ERR_FORMAT, "directory %u is no absolute path", i);
	}
	for (uint32_t i = 0; i < files->count; i++) {
		uint64_t index = rpm_numbers_at(&files->indexes, i);
		if (index >= count)
			return fail(out_why, ERR_FORMAT, "file %u lies in directory %llu of %u", i,
			        (unsigned long long)index, count);
	}
	return 0;
}

static int check_names(struct rpm_texts names, struct reason *out_why)
{
	struct slice name;
	for (uint32_t i = 0; rpm_texts_next(&names, &name); i++) {
		if (name.len > 0 && memchr(name.ptr, '/', name.len))
			return fail(out_why, ERR_FORMAT, "the name of file %u has a slash", i);
	}
	return 0;
}

static void begin_lists(struct rpm_files *files)
{
	const struct rpm_header *header = &files->header;
	uint64_t algorithm;
	files->names = rpm_header_texts(header, RPM_BASENAMES);
	files->digests = rpm_header_texts(header, RPM_FILEDIGESTS);
	files->links = rpm_header_texts(header, RPM_FILELINKTOS);
	files->users = rpm_header_texts(header, RPM_FILEUSERNAME);
	files->groups = rpm_header_texts(header, RPM_FILEGROUPNAME);
	files->capabilities = rpm_header_texts(header, RPM_FILECAPS);
	files->indexes = rpm_header_numbers(header, RPM_DIRINDEXES);
	files->modes = rpm_header_numbers(header, RPM_FILEMODES);
	files->flags = rpm_header_numbers(header, RPM_FILEFLAGS);
	files->states = rpm_header_numbers(header, RPM_FILESTATES);
	/* The long ones stand there instead when one file has 4 GiB or more. */
	files->sizes = rpm_header_numbers(header, RPM_LONGFILESIZES);
	if (files->sizes.count == 0)
		files->sizes = rpm_header_numbers(header, RPM_FILESIZES);
	/* Packages of before the tag have MD5. */
	files->algorithm = RPM_DIGEST_MD5;
	if (rpm_header_number(header, RPM_FILEDIGESTALGO, 0, &algorithm))
		files->algorithm = (uint32_t)algorithm;
}

static int check_files(struct rpm_files *files, struct reason *out_why)
{
	if (files->count > RPM_FILES_MAX)
		return fail(out_why, ERR_LIMIT, "%u files", files->count);
	if (files->names.left != files->count)
		return fail(out_why, ERR_FORMAT, "names of files that are no texts");
	int rc = check_lengths(&files->header, files->count, out_why);
	if (rc == 0)
		rc = check_names(files->names, out_why);
	return rc == 0 ? take_directories(files, out_why) : rc;
}

int rpm_files_open(const struct rpm_header *header, struct rpm_files **out, struct reason *out_why)
{
	struct rpm_files *files = mem_new(sizeof(*files));
	files->header = *header;
	files->count = rpm_header_count(header, RPM_BASENAMES);
	begin_lists(files);
	int rc = files->count > 0 ? check_files(files, out_why) : 0;
	if (rc < 0) {
		rpm_files_close(files);
		return rc;
	}
	*out = files;
	return 0;
}

static void take_digest(struct rpm_files *files, struct rpm_file *out)
{
	struct slice text;
	uint32_t len = files->algorithm == RPM_DIGEST_MD5      ? 16
	               : files->algorithm == RPM_DIGEST_SHA256 ? 32
	                                                       : 0;
	out->algorithm = files->algorithm;
	if (!rpm_texts_next(&files->digests, &text) || len == 0)
		return;
	if (text.len == (size_t)2 * len && text_parse_hex(text, out->digest, len))
		out->digest_len = len;
}

bool rpm_files_next(struct rpm_files *files, struct rpm_file *out)
{
	if (files->at >= files->count)
		return false;
	*out = (struct rpm_file){0};
	rpm_texts_next(&files->names, &out->name);
	rpm_texts_next(&files->links, &out->link);
	rpm_texts_next(&files->users, &out->user);
	rpm_texts_next(&files->groups, &out->group);
	rpm_texts_next(&files->capabilities, &out->capabilities);
	take_digest(files, out);
	out->directory = files->directory[rpm_numbers_at(&files->indexes, files->at)];
	out->mode = (uint32_t)rpm_numbers_at(&files->modes, files->at) & 0177777;
	out->flags = (uint32_t)rpm_numbers_at(&files->flags, files->at);
	out->state = (uint32_t)rpm_numbers_at(&files->states, files->at);
	out->size = rpm_numbers_at(&files->sizes, files->at);
	files->at++;
	return true;
}

void rpm_files_close(struct rpm_files *files)
{
	if (!files)
		return;
	free(files->directory);
	free(files);
}
