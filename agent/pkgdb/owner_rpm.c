/*
 * The headers of rpm's database have the files of each package: their names, for each the number of
 * its directory, and the directories. Of all else that is said of a file only its state is asked,
 * since there are a hundred thousand of them (agent/rpmdb/rpm_files.h has everything).
 */
#include <stdlib.h>

#include "agent/pkgdb/owner_table.h"
#include "agent/pkgdb/rpm_text.h"
#include "agent/rpmdb/rpm_files.h"
#include "common/base/mem.h"

struct search {
	struct owners *owners;
	struct slice *directory; /* of the package */
	size_t room;
	size_t count;
	struct buf path;
};

static void take_directories(struct search *search, const struct rpm_header *header)
{
	struct rpm_texts texts = rpm_header_texts(header, RPM_DIRNAMES);
	struct slice directory;
	search->count = 0;
	while (search->count < RPM_FILES_MAX && rpm_texts_next(&texts, &directory)) {
		if (search->count == search->room) {
			search->room = search->room ? search->room * 2 : 256;
			search->directory = mem_resize(
			        search->directory, search->room * sizeof(*search->directory));
		}
		search->directory[search->count++] = directory;
	}
}

/* What another package's file has replaced, or was never put there, is not what lies there. */
static bool is_there(uint64_t state)
{
	return state == RPM_STATE_NORMAL || state == RPM_STATE_NETSHARED;
}

static int take_owned(
        struct search *search, const struct rpm_header *header, struct owner_entry *entry)
{
	struct slice name;
	if (!rpm_header_text(header, RPM_NAME, &name))
		return 0;
	buf_reset(&search->path);
	rpm_append_evr(&search->path, header);
	return owner_take(search->owners, entry, "rpm", name, buf_slice(&search->path));
}

/* A file in a directory that there is not is nobody's. */
static int take_package(void *ctx, const struct rpm_header *header)
{
	struct search *search = ctx;
	struct rpm_texts names = rpm_header_texts(header, RPM_BASENAMES);
	struct rpm_numbers directories = rpm_header_numbers(header, RPM_DIRINDEXES);
	struct rpm_numbers states = rpm_header_numbers(header, RPM_FILESTATES);
	struct slice name;
	int rc = 0;
	take_directories(search, header);
	for (uint32_t i = 0; rc == 0 && rpm_texts_next(&names, &name); i++) {
		uint64_t directory = rpm_numbers_at(&directories, i);
		if (i >= directories.count || directory >= search->count ||
		        !is_there(rpm_numbers_at(&states, i)))
			continue;
		buf_reset(&search->path);
		buf_append_slice(&search->path, search->directory[directory]);
		buf_append_slice(&search->path, name);
		struct owner_entry *entry = owner_find(search->owners, buf_slice(&search->path));
		if (entry)
			rc = take_owned(search, header, entry);
	}
	return rc;
}

int owner_rpm_read(struct owners *owners, const char *root, struct reason *out_why)
{
	struct search search = {.owners = owners};
	int rc = rpm_each(root, take_package, NULL, &search, out_why);
	free(search.directory);
	buf_fini(&search.path);
	return rc < 0 ? rc : 0; /* what is passed over owns nothing that we know of */
}
