#include "agent/source/folder.h"
#include "agent/pkgdb/owner_table.h"
#include "agent/pkgdb/pacman_db.h"
#include "common/base/text.h"

struct search {
	struct owners *owners;
	struct slice name, version; /* of the package whose files are read */
	struct buf path;
};

/* Paths have no first slash, those of directories a last one. */
static int take_value(void *ctx, struct slice section, size_t at, struct slice value)
{
	struct search *search = ctx;
	struct buf *path = &search->path;
	(void)at;
	if (!slice_is(section, "FILES"))
		return 0;
	buf_reset(path);
	buf_append_byte(path, '/');
	buf_append_slice(path, value);
	if (path->len > 1 && path->data[path->len - 1] == '/')
		path->len--;
	struct owner_entry *entry = owner_find(search->owners, buf_slice(path));
	return entry ? owner_take(search->owners, entry, "pacman", search->name, search->version)
	             : 0;
}

/* What pacman removes meanwhile is not there. */
static int read_package(struct search *search, const struct folder *folder, const char *directory,
        struct buf *text, struct reason *out_why)
{
	struct buf file = BUF_INIT;
	struct reason why = {""};
	if (!pacman_split_name(slice_text(directory), &search->name, &search->version))
		return 0;
	buf_printf(&file, "%s/files", directory);
	int rc = folder_read(folder, buf_text(&file), PACMAN_FILE_BYTES_MAX, text, out_why);
	if (rc == 0)
		rc = pacman_each_value(buf_slice(text), take_value, search, &why);
	if (rc == ERR_FORMAT)
		fail(out_why, rc, "cannot read '%s/%s': %s", PACMAN_DB, buf_text(&file), why.text);
	buf_fini(&file);
	return rc == ERR_MISSING ? 0 : rc;
}

int owner_pacman_read(struct owners *owners, const char *root, struct reason *out_why)
{
	struct search search = {.owners = owners};
	struct folder folder;
	struct buf text = BUF_INIT;
	const char *name = NULL;
	int rc = folder_open(root, PACMAN_DB, &folder, out_why), more = 0;
	while (rc == 0 && (more = folder_next(&folder, &name, out_why)) > 0)
		rc = read_package(&search, &folder, name, &text, out_why);
	folder_close(&folder);
	buf_fini(&text);
	buf_fini(&search.path);
	return rc == 0 ? more : rc;
}
