#include "agent/rpmdb/rpmdb_format.h"
#include "agent/rpmdb/sqlite_table.h"

/* "Packages": hnum, which is the row's number, and blob. */
#define BLOB 1

struct receiver {
	rpmdb_blob *each;
	void *ctx;
};

static int take_row(void *ctx, const struct sqlite_row *row)
{
	const struct receiver *receiver = ctx;
	return receiver->each(receiver->ctx, (uint32_t)row->id,
	        row->columns > BLOB ? row->bytes[BLOB] : (struct slice){0});
}

int rpmdb_sqlite_each(const char *path, rpmdb_blob *each, void *ctx, struct reason *out_why)
{
	struct receiver receiver = {.each = each, .ctx = ctx};
	struct sqlite_pages *pages;
	int rc = sqlite_pages_open(path, &pages, out_why);
	if (rc < 0)
		return rc;
	rc = sqlite_table_each(pages, "Packages", take_row, &receiver, out_why);
	/* What does not hold together may only have been read while it was changed. */
	if (rc >= 0 || rc == ERR_FORMAT) {
		struct reason why;
		int check = sqlite_pages_check(pages, &why);
		if (check < 0)
			rc = fail(out_why, check, "%s", why.text);
	}
	sqlite_pages_close(pages);
	return rc;
}
