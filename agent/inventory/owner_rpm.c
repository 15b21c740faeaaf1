/* The headers of rpm's database have the files of each package. */
#include "agent/inventory/owner_table.h"
#include "agent/inventory/rpm_text.h"
#include "agent/rpmdb/rpm_files.h"
#include "agent/rpmdb/rpmdb.h"

struct search {
	struct owners *owners;
	struct buf path;
};

/* What another package's file has replaced, or was never put there, is not what lies there. */
static bool is_there(const struct rpm_file *file)
{
	return file->state == RPM_STATE_NORMAL || file->state == RPM_STATE_NETSHARED;
}

static int take_file(
        struct search *search, const struct rpm_header *header, const struct rpm_file *file)
{
	struct buf *path = &search->path;
	struct slice name;
	buf_reset(path);
	buf_append_slice(path, file->directory);
	buf_append_slice(path, file->name);
	struct owner_entry *entry = owner_find(search->owners, buf_slice(path));
	if (!entry || !rpm_header_text(header, RPM_NAME, &name))
		return 0;
	buf_reset(path);
	rpm_append_evr(path, header);
	return owner_take(search->owners, entry, "rpm", name, buf_slice(path));
}

/* A header whose list of files does not hold together is nobody's. */
static int take_package(void *ctx, const struct rpm_header *header)
{
	struct search *search = ctx;
	struct rpm_files *files = NULL;
	struct rpm_file file;
	int rc = 0;
	if (rpm_files_open(header, &files, NULL) < 0)
		return 0;
	while (rc == 0 && rpm_files_next(files, &file))
		if (is_there(&file))
			rc = take_file(search, header, &file);
	rpm_files_close(files);
	return rc;
}

int owner_rpm_read(struct owners *owners, const char *root, struct reason *out_why)
{
	struct search search = {.owners = owners};
	int rc = rpm_each(root, take_package, NULL, &search, out_why);
	buf_fini(&search.path);
	return rc;
}
