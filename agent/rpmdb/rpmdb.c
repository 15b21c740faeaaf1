#include "agent/rpmdb/rpmdb.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "agent/rpmdb/rpmdb_format.h"
#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/mem.h"

static const char *const DIRECTORIES[] = {
        "/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"};

/* Of one reading; how many there were in all is told at its end. */
#define WARNINGS_MAX 10

struct format {
	const char *file;
	int (*each)(const char *path, rpmdb_blob *each, void *ctx, struct reason *out_why);
};

static const struct format FORMATS[] = {
        {"rpmdb.sqlite", rpmdb_sqlite_each},
        {"Packages.db", rpmdb_ndb_each},
        {"Packages", rpmdb_bdb_each},
};

struct rpmdb {
	char *path;
	const struct format *format;
};

struct reading {
	const struct rpmdb *db;
	int (*each)(void *ctx, const struct rpm_header *header);
	void *ctx;
	struct reason *why;
	uint32_t count;
	uint32_t broken;
};

static const struct format *find(const char *root, struct buf *path)
{
	for (size_t i = 0; i < sizeof(DIRECTORIES) / sizeof(DIRECTORIES[0]); i++) {
		for (size_t j = 0; j < sizeof(FORMATS) / sizeof(FORMATS[0]); j++) {
			struct stat found;
			buf_reset(path);
			buf_printf(path, "%s%s/%s", root, DIRECTORIES[i], FORMATS[j].file);
			if (stat(buf_text(path), &found) == 0 && S_ISREG(found.st_mode))
				return &FORMATS[j];
		}
	}
	return NULL;
}

int rpmdb_open(const char *root, struct rpmdb **out, struct reason *out_why)
{
	struct buf path = BUF_INIT;
	const struct format *format = find(root, &path);
	if (!format) {
		buf_fini(&path);
		return fail(out_why, ERR_MISSING, "there is no rpm database below '%s/'", root);
	}
	*out = mem_new(sizeof(**out));
	(*out)->format = format;
	(*out)->path = mem_copy_text(path.data, path.len);
	buf_fini(&path);
	return 0;
}

const char *rpmdb_path(const struct rpmdb *db)
{
	return db->path;
}

static int take_blob(void *ctx, uint32_t number, struct slice bytes)
{
	struct reading *reading = ctx;
	struct rpm_header header;
	struct slice name;
	struct reason why;
	if (++reading->count > RPMDB_PACKAGES_MAX)
		return fail(reading->why, ERR_LIMIT, "'%s' has more than %u packages",
		        reading->db->path, RPMDB_PACKAGES_MAX);
	if (rpm_header_open(bytes, &header, &why) < 0) {
		if (++reading->broken <= WARNINGS_MAX)
			log_warn("package %u of '%s' is passed over: %s", number, reading->db->path,
			        why.text);
		return 0;
	}
	if (rpm_header_text(&header, RPM_NAME, &name) && slice_is(name, "gpg-pubkey"))
		return 0;
	int rc = reading->each(reading->ctx, &header);
	return rc < 0 ? rc : 0;
}

int rpmdb_each(struct rpmdb *db, int (*each)(void *ctx, const struct rpm_header *header), void *ctx,
        struct reason *out_why)
{
	struct reading reading = {.db = db, .each = each, .ctx = ctx, .why = out_why};
	int rc = db->format->each(db->path, take_blob, &reading, out_why);
	if (reading.broken > WARNINGS_MAX)
		log_warn("%u packages of '%s' are passed over", reading.broken, db->path);
	return rc < 0 ? rc : (int)reading.broken;
}

void rpmdb_close(struct rpmdb *db)
{
	if (!db)
		return;
	free(db->path);
	free(db);
}
