/*
 * apk: the packages of its file `installed`. It does not say when a package was installed: "t:" is
 * when it was built, "m:" who maintains it.
 */
#include "agent/pkgdb/apk_db.h"
#include "agent/pkgdb/holds.h"
#include "agent/pkgdb/sources.h"

static int take_package(void *ctx, const struct apk_package *package)
{
	struct fact fact = {.kind = FACT_PACKAGE};
	if (package->name.len > FACT_FIELD_BYTES || package->version.len > FACT_FIELD_BYTES ||
	        package->arch.len > FACT_FIELD_BYTES || package->origin.len > FACT_FIELD_BYTES)
		return ERR_LIMIT;
	fact.field[PACKAGE_MANAGER] = slice_text("apk");
	fact.field[PACKAGE_NAME] = package->name;
	fact.field[PACKAGE_ARCH] = package->arch;
	fact.field[PACKAGE_VERSION] = package->version;
	/* All packages of one origin are built at once, with one version. */
	fact.field[PACKAGE_SOURCE] = package->origin.ptr ? package->origin : package->name;
	fact.field[PACKAGE_SOURCE_VERSION] = package->version;
	fact.field[PACKAGE_STATUS] = slice_text("installed");
	return fact_list_add(ctx, &fact);
}

int src_apk_parse(struct slice text, struct fact_list *out, struct reason *out_why)
{
	struct apk_reader reader = {.package = take_package, .ctx = out};
	int rc = apk_db_each(text, &reader, out_why);
	return rc == ERR_LIMIT ? fail(out_why, rc, "cannot read apk's database: it is too large")
	                       : rc;
}

int src_apk_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct buf text = BUF_INIT;
	struct holds holds = HOLDS_INIT;
	size_t first = out->count;
	int rc = apk_db_read(root, &text, out_why);
	if (rc == 0)
		rc = src_apk_parse(buf_slice(&text), out, out_why);
	if (rc == 0)
		rc = holds_read_apk(root, &holds, out_why);
	if (rc >= 0)
		holds_mark(&holds, out, first);
	holds_fini(&holds);
	buf_fini(&text);
	return rc;
}
