#include "agent/rpmdb/rpm_files.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"

struct rpm_files {
	struct rpm_header header;
	struct slice *directory;
	uint32_t directories;
	uint32_t count;
	uint32_t at;
	uint32_t algorithm;
	bool has_long_sizes;
	struct rpm_texts names, digests, links, users, groups, capabilities;
};

/* Nothing is ever more than one value a file; what is absent is empty or 0 for each. */
static int check_lengths(const struct rpm_header *header, uint32_t count, struct reason *out_why)
{
	static const enum rpm_tag LISTS[] = {RPM_DIRINDEXES, RPM_FILEMODES, RPM_FILEDIGESTS,
	        RPM_FILELINKTOS, RPM_FILEFLAGS, RPM_FILEUSERNAME, RPM_FILEGROUPNAME, RPM_FILESTATES,
	        RPM_FILESIZES, RPM_LONGFILESIZES, RPM_FILECAPS};
	for (size_t i = 0; i < sizeof(LISTS) / sizeof(LISTS[0]); i++) {
		uint32_t own = rpm_header_count(header, LISTS[i]);
		bool is_needed = LISTS[i] == RPM_DIRINDEXES || LISTS[i] == RPM_FILEMODES;
		if (own != count && (own > 0 || is_needed))
			return fail(out_why, ERR_FORMAT, "tag %u has %u values for %u files",
			        (unsigned)LISTS[i], own, count);
	}
	return 0;
}

static int take_directories(struct rpm_files *files, struct reason *out_why)
{
	struct rpm_texts texts = rpm_header_texts(&files->header, RPM_DIRNAMES);
	uint64_t index;
	files->directories = texts.left;
	if (texts.left == 0)
		return fail(out_why, ERR_FORMAT, "files without directories");
	files->directory = mem_new_array(texts.left, sizeof(*files->directory));
	for (uint32_t i = 0; i < files->directories; i++)
		rpm_texts_next(&texts, &files->directory[i]);
	for (uint32_t i = 0; i < files->count; i++) {
		if (!rpm_header_number(&files->header, RPM_DIRINDEXES, i, &index) ||
		        index >= files->directories)
			return fail(out_why, ERR_FORMAT, "file %u lies in directory %llu of %u", i,
			        (unsigned long long)index, files->directories);
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
	files->has_long_sizes = rpm_header_count(header, RPM_LONGFILESIZES) > 0;
	/* Packages of before the tag have MD5. */
	files->algorithm = RPM_DIGEST_MD5;
	if (rpm_header_number(header, RPM_FILEDIGESTALGO, 0, &algorithm))
		files->algorithm = (uint32_t)algorithm;
}

int rpm_files_open(const struct rpm_header *header, struct rpm_files **out, struct reason *out_why)
{
	struct rpm_files *files = mem_new(sizeof(*files));
	files->header = *header;
	files->count = rpm_header_count(header, RPM_BASENAMES);
	begin_lists(files);
	int rc = 0;
	if (files->names.left != files->count)
		rc = fail(out_why, ERR_FORMAT, "names of files that are no texts");
	else if (files->count > 0)
		rc = check_lengths(header, files->count, out_why);
	if (rc == 0 && files->count > 0)
		rc = take_directories(files, out_why);
	if (rc < 0) {
		rpm_files_close(files);
		return rc;
	}
	*out = files;
	return 0;
}

static uint64_t number(const struct rpm_files *files, enum rpm_tag tag)
{
	uint64_t value;
	return rpm_header_number(&files->header, tag, files->at, &value) ? value : 0;
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
	out->directory = files->directory[number(files, RPM_DIRINDEXES)];
	out->mode = (uint32_t)number(files, RPM_FILEMODES) & 0177777;
	out->flags = (uint32_t)number(files, RPM_FILEFLAGS);
	out->state = (uint32_t)number(files, RPM_FILESTATES);
	out->size = number(files, files->has_long_sizes ? RPM_LONGFILESIZES : RPM_FILESIZES);
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
