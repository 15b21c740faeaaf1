#include "agent/pkgdb/apk_db.h"
#include "agent/pkgdb/owner_table.h"

struct search {
	struct owners *owners;
	struct buf path;
};

static int take_path(
        void *ctx, const struct apk_package *package, struct slice directory, struct slice name)
{
	struct search *search = ctx;
	struct buf *path = &search->path;
	buf_reset(path);
	buf_append_byte(path, '/');
	buf_append_slice(path, directory);
	if (name.ptr && directory.len > 0)
		buf_append_byte(path, '/');
	buf_append_slice(path, name);
	struct owner_entry *entry = owner_find(search->owners, buf_slice(path));
	return entry ? owner_take(search->owners, entry, "apk", package->name, package->version)
	             : 0;
}

int owner_apk_read(struct owners *owners, const char *root, struct reason *out_why)
{
	struct search search = {.owners = owners};
	struct apk_reader reader = {.path = take_path, .ctx = &search};
	struct buf text = BUF_INIT;
	int rc = apk_db_read(root, &text, out_why);
	if (rc == 0)
		rc = apk_db_each(buf_slice(&text), &reader, out_why);
	buf_fini(&text);
	buf_fini(&search.path);
	return rc;
}
