#include "agent/pkgdb/rpm_text.h"

#include "agent/source/root.h"
#include "agent/rpmdb/rpmdb.h"

#define TRIES 3

int rpm_each(const char *root, int (*each)(void *ctx, const struct rpm_header *header),
        void (*again)(void *ctx), void *ctx, struct reason *out_why)
{
	struct rpmdb *db = NULL;
	int rc = rpmdb_open(root_is_host(root) ? "" : root, &db, out_why);
	if (rc < 0)
		return rc;
	rc = rpmdb_each(db, each, ctx, out_why);
	for (int i = 1; rc == ERR_BUSY && i < TRIES; i++) {
		if (again)
			again(ctx);
		rc = rpmdb_each(db, each, ctx, out_why);
	}
	rpmdb_close(db);
	return rc;
}

static struct slice text_of(const struct rpm_header *header, enum rpm_tag tag)
{
	struct slice text = {0};
	rpm_header_text(header, tag, &text);
	return text;
}

void rpm_append_vr(struct buf *out, const struct rpm_header *header)
{
	buf_append_slice(out, text_of(header, RPM_VERSION));
	buf_append_byte(out, '-');
	buf_append_slice(out, text_of(header, RPM_RELEASE));
}

void rpm_append_evr(struct buf *out, const struct rpm_header *header)
{
	uint64_t epoch;
	if (rpm_header_number(header, RPM_EPOCH, 0, &epoch) && epoch > 0)
		buf_printf(out, "%llu:", (unsigned long long)epoch);
	rpm_append_vr(out, header);
}

bool rpm_cut_at_second_dash(struct slice *text)
{
	struct slice rest = *text;
	for (int dashes = 0; dashes < 2; dashes++) {
		const uint8_t *dash = rest.len > 0 ? memrchr(rest.ptr, '-', rest.len) : NULL;
		if (!dash || dash == rest.ptr || dash + 1 == rest.ptr + rest.len)
			return false;
		rest.len = (size_t)(dash - rest.ptr);
	}
	*text = rest;
	return true;
}

/* ".nosrc.rpm" is that of a package whose sources may not be given away. */
bool rpm_split_source(struct slice file, struct slice *out_name, struct slice *out_version)
{
	static const char *const ENDINGS[] = {".src.rpm", ".nosrc.rpm"};
	for (size_t i = 0; i < sizeof(ENDINGS) / sizeof(ENDINGS[0]); i++) {
		struct slice ending = slice_text(ENDINGS[i]);
		if (file.len < ending.len ||
		        memcmp(file.ptr + file.len - ending.len, ending.ptr, ending.len) != 0)
			continue;
		struct slice whole = slice_of(file.ptr, file.len - ending.len), name = whole;
		if (!rpm_cut_at_second_dash(&name))
			return false;
		*out_name = name;
		*out_version = slice_of(name.ptr + name.len + 1, whole.len - name.len - 1);
		return true;
	}
	return false;
}
