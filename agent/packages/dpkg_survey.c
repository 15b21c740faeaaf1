#include "agent/packages/dpkg_survey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/packages/dpkg_lock.h"
#include "agent/packages/dpkg_log.h"
#include "agent/packages/dpkg_text.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/io/file.h"

#define STATUS_FILE      DPKG_DIR "/status"
#define INFO_DIR         DPKG_DIR "/info"
#define ALTERNATIVES_DIR DPKG_DIR "/alternatives"
#define STATUS_BYTES_MAX (64u << 20)
#define FILE_BYTES_MAX   (16u << 20)
#define ALTERNATIVES_MAX 65536
#define NAME_BYTES_MAX   256
#define CLOCK_SLACK_NS   (2 * NS_PER_S) /* file times are coarse, and two clocks are compared */

/* What a survey needs on its way. */
struct look {
	struct survey *survey;
	struct kv_txn *txn;
	struct mark mark; /* of the last time */
	struct merged merged;
	struct run *run;
	struct manifest *manifest; /* NULL: nothing to explain */
	struct key_set seen;       /* packages of the status file, by ledger name */
	struct buf list, md5sums;  /* of the package at hand */
};

/* --- results --------------------------------------------------------------------------------- */

static void put_counted(struct buf *out, struct slice bytes)
{
	buf_append_u32(out, (uint32_t)bytes.len);
	buf_append_slice(out, bytes);
}

static void put(struct look *look, const char *name, struct slice value)
{
	survey_put(look->survey, name, value);
}

static void tell_unlogged(struct look *look, const char *file, const char *what, struct slice name)
{
	char detail[REASON_MAX];
	if (look->survey->is_first)
		return;
	snprintf(detail, sizeof(detail), "%s%s%.*s%s, and dpkg's log tells of nothing that did it",
	        what, name.len ? " '" : "", SLICE_ARG(name), name.len ? "'" : "");
	survey_tell(look->survey, file, detail);
}

/* --- one package ----------------------------------------------------------------------------- */

struct package {
	const struct dpkg_stanza *stanza;
	struct run_package *done;    /* NULL: the run did nothing to it */
	struct ledger_record before; /* borrows from the transaction */
	bool is_known;               /* there is a `before` */
	char name[NAME_BYTES_MAX];   /* in the ledger */
	char stem[NAME_BYTES_MAX];   /* of its files */
};

static void info_path(const struct package *package, const char *suffix, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, INFO_DIR "/%s.%s", package->stem, suffix);
}

static uint64_t status_key(const struct dpkg_stanza *stanza)
{
	struct buf all = BUF_INIT;
	put_counted(&all, stanza->version);
	put_counted(&all, stanza->state);
	put_counted(&all, stanza->conffiles);
	uint64_t key = key_of(buf_slice(&all));
	buf_fini(&all);
	return key;
}

/* Whether a file of the package was made, changed or removed since the last look. */
static bool is_newer(const struct look *look, const struct package *package, const char *suffix,
        uint64_t known_key)
{
	char name[PATH_MAX], path[PATH_MAX];
	struct stat found;
	info_path(package, suffix, name);
	snprintf(path, sizeof(path), "%s%s", look->survey->root, name);
	if (lstat(path, &found) != 0)
		return known_key != 0;
	int64_t changed_ns = found.st_ctim.tv_sec * NS_PER_S + found.st_ctim.tv_nsec;
	return known_key == 0 || changed_ns >= look->mark.time_ns - CLOCK_SLACK_NS;
}

/* 0: there is none. */
static int read_info(const struct look *look, const struct package *package, const char *suffix,
        struct buf *out, uint64_t *out_key)
{
	char name[PATH_MAX], path[PATH_MAX];
	info_path(package, suffix, name);
	snprintf(path, sizeof(path), "%s%s", look->survey->root, name);
	buf_reset(out);
	*out_key = 0;
	int rc = file_read(path, FILE_BYTES_MAX, out, &look->survey->why);
	if (rc == 0)
		*out_key = key_of(buf_slice(out));
	return rc == -ENOENT ? 0 : rc;
}

struct lister {
	struct look *look;
	const struct package *package;
	struct buf *keys; /* for the ledger */
	bool is_conffiles;
};

static int take_listed(void *ctx, struct slice path)
{
	struct lister *lister = ctx;
	struct look *look = lister->look;
	const struct run_package *done = lister->package->done;
	uint64_t key = merged_key(&look->merged, path);
	buf_append_u64(lister->keys, key);
	if (!look->manifest)
		return 0;
	manifest_own(look->manifest, key);
	if (!done)
		return 0;
	struct slice there = manifest_diverted(look->manifest, done, path);
	if (there.ptr != path.ptr) {
		key = merged_key(&look->merged, there);
		manifest_own(look->manifest, key);
	}
	manifest_list(look->manifest, done, key);
	return 0;
}

static int take_md5(void *ctx, struct slice path, const uint8_t md5[MD5_BYTES])
{
	struct lister *lister = ctx;
	const struct look *look = lister->look;
	const struct run_package *done = lister->package->done;
	char full[PATH_MAX];
	snprintf(full, sizeof(full), "%s%.*s", path.len && path.ptr[0] == '/' ? "" : "/",
	        SLICE_ARG(path));
	struct slice there = manifest_diverted(look->manifest, done, slice_text(full));
	manifest_md5(
	        look->manifest, done, merged_key(&look->merged, there), md5, lister->is_conffiles);
	return 0;
}

static void list_before(struct look *look, const struct package *package)
{
	struct slice rest = package->before.paths;
	uint64_t key;
	while (package->is_known && ledger_take_path(&rest, &key))
		manifest_listed_before(look->manifest, package->done, key);
}

static void own_before(struct look *look, const struct package *package)
{
	struct slice rest = package->before.paths;
	uint64_t key;
	while (look->manifest && ledger_take_path(&rest, &key))
		manifest_own(look->manifest, key);
}

/* What the files of a package say goes into the manifest and, `keys`, into the ledger. */
static void take_files(struct look *look, const struct package *package, struct buf *keys)
{
	struct lister lister = {.look = look, .package = package, .keys = keys};
	dpkg_each_listed(buf_slice(&look->list), take_listed, &lister);
	if (!look->manifest || !package->done)
		return;
	dpkg_each_md5(buf_slice(&look->md5sums), false, take_md5, &lister);
	lister.is_conffiles = true;
	dpkg_each_md5(package->stanza->conffiles, true, take_md5, &lister);
	if (package->done->acts & RUN_UNPACKED)
		list_before(look, package);
}

/* A change that the run does not account for. */
static void compare(
        struct look *look, const struct package *package, const struct ledger_record *now)
{
	const struct ledger_record *before = &package->before;
	bool is_unpacked = package->done && (package->done->acts & RUN_UNPACKED);
	struct slice name = package->stanza->name;
	char path[PATH_MAX];
	if (!package->done && (!package->is_known || now->status_key != before->status_key))
		tell_unlogged(look, STATUS_FILE,
		        package->is_known ? "the entry has changed of package"
		                          : "there is a new entry of package",
		        name);
	if (is_unpacked || !package->is_known)
		return;
	info_path(package, "list", path);
	if (now->list_key != before->list_key)
		tell_unlogged(look, path, "the list of files has changed of package", name);
	info_path(package, "md5sums", path);
	if (now->md5_key != before->md5_key)
		tell_unlogged(look, path, "the digests have changed of package", name);
}

static bool is_same_record(const struct package *package, const struct ledger_record *now)
{
	const struct ledger_record *before = &package->before;
	return package->is_known && now->status_key == before->status_key &&
	       now->list_key == before->list_key && now->md5_key == before->md5_key &&
	       now->is_same == before->is_same && slice_equal(now->paths, before->paths);
}

static int look_closely(struct look *look, const struct package *package)
{
	struct ledger_record now = {
	        .is_same = package->stanza->is_same, .status_key = status_key(package->stanza)};
	struct buf keys = BUF_INIT, bytes = BUF_INIT;
	int rc = read_info(look, package, "list", &look->list, &now.list_key);
	if (rc == 0)
		rc = read_info(look, package, "md5sums", &look->md5sums, &now.md5_key);
	if (rc == 0) {
		take_files(look, package, &keys);
		now.paths = buf_slice(&keys);
		compare(look, package, &now);
		if (!is_same_record(package, &now)) {
			ledger_encode(&now, &bytes);
			put(look, package->name, buf_slice(&bytes));
		}
	}
	buf_fini(&keys);
	buf_fini(&bytes);
	return rc;
}

static int look_at_status_alone(struct look *look, const struct package *package)
{
	struct ledger_record now = package->before;
	struct buf bytes = BUF_INIT;
	own_before(look, package);
	now.status_key = status_key(package->stanza);
	if (now.status_key == package->before.status_key)
		return 0;
	compare(look, package, &now);
	ledger_encode(&now, &bytes);
	put(look, package->name, buf_slice(&bytes));
	buf_fini(&bytes);
	return 0;
}

/* A name that is part of a path and of a key; dpkg's own rule is narrower. */
static bool is_plain(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] == '/' || name.ptr[i] == ':' ||
		        name.ptr[i] > '~')
			return false;
	return name.len > 0 && name.len <= 100 && name.ptr[0] != '.';
}

static int take_stanza(void *ctx, const struct dpkg_stanza *stanza)
{
	struct look *look = ctx;
	struct package package = {.stanza = stanza};
	struct slice bytes;
	if (!is_plain(stanza->name) || !is_plain(stanza->arch) ||
	        slice_is(stanza->state, "not-installed"))
		return 0;
	snprintf(package.name, sizeof(package.name), LEDGER_PREFIX "%.*s:%.*s",
	        SLICE_ARG(stanza->name), SLICE_ARG(stanza->arch));
	struct slice id = slice_text(package.name + strlen(LEDGER_PREFIX));
	snprintf(package.stem, sizeof(package.stem), "%.*s",
	        SLICE_ARG(stanza->is_same ? id : stanza->name));
	key_set_add(&look->seen, key_of(slice_text(package.name)));
	package.is_known = state_meta_get(look->txn, package.name, &bytes) == 0 &&
	                   ledger_decode(bytes, &package.before);
	package.done = run_find(look->run, id);
	if (!package.done && !package.is_known) /* its architecture changed */
		package.done = run_find_name(look->run, stanza->name);
	bool is_due = !package.is_known || package.done ||
	              is_newer(look, &package, "list", package.before.list_key) ||
	              is_newer(look, &package, "md5sums", package.before.md5_key);
	return is_due ? look_closely(look, &package) : look_at_status_alone(look, &package);
}

/* --- packages that are gone ------------------------------------------------------------------ */

static int take_gone(void *ctx, struct slice ledger_name, struct slice value)
{
	struct look *look = ctx;
	char name[NAME_BYTES_MAX];
	struct package package = {0};
	if (key_set_has(&look->seen, key_of(ledger_name)))
		return 0;
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(ledger_name));
	put(look, name, (struct slice){0});
	struct slice id = slice_text(name + strlen(LEDGER_PREFIX));
	const uint8_t *colon = memchr(id.ptr, ':', id.len);
	struct slice bare = slice_of(id.ptr, colon ? (size_t)(colon - id.ptr) : id.len);
	package.done = run_find(look->run, id);
	if (!package.done) /* its architecture changed */
		package.done = run_find_name(look->run, bare);
	package.is_known = ledger_decode(value, &package.before);
	if (!package.done)
		tell_unlogged(look, STATUS_FILE, "there is no entry any more of package", bare);
	else if (look->manifest)
		list_before(look, &package);
	return 0;
}

/* --- what concerns all packages -------------------------------------------------------------- */

static int take_diversion(void *ctx, struct slice from, struct slice to, struct slice package)
{
	manifest_divert(ctx, from, to, package);
	return 0;
}

static int take_override(void *ctx, struct slice path, uint32_t mode)
{
	manifest_override(ctx, path, mode);
	return 0;
}

static int take_link(void *ctx, struct slice link, struct slice target)
{
	manifest_link(ctx, link, target);
	return 0;
}

static bool read_text(const struct survey *survey, const char *name, struct buf *out)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s%s", survey->root, name);
	buf_reset(out);
	return file_read(path, FILE_BYTES_MAX, out, NULL) == 0;
}

static void read_alternatives(const struct survey *survey, struct manifest *manifest)
{
	char path[PATH_MAX];
	struct buf text = BUF_INIT;
	const struct dirent *entry;
	size_t count = 0;
	snprintf(path, sizeof(path), "%s" ALTERNATIVES_DIR, survey->root);
	DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir)) && count++ < ALTERNATIVES_MAX) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), ALTERNATIVES_DIR "/%s", entry->d_name);
		if (read_text(survey, path, &text))
			dpkg_each_alternative(
			        slice_text(entry->d_name), buf_slice(&text), take_link, manifest);
	}
	if (dir)
		closedir(dir);
	buf_fini(&text);
}

static void read_common(const struct survey *survey, struct manifest *manifest)
{
	struct buf text = BUF_INIT;
	if (read_text(survey, DPKG_DIR "/diversions", &text))
		dpkg_each_diversion(buf_slice(&text), take_diversion, manifest);
	if (read_text(survey, DPKG_DIR "/statoverride", &text))
		dpkg_each_override(buf_slice(&text), take_override, manifest);
	buf_fini(&text);
	read_alternatives(survey, manifest);
}

/* --- the whole ------------------------------------------------------------------------------- */

static int read_run(struct look *look, struct mark *next)
{
	struct survey *survey = look->survey;
	struct log_reading log;
	struct slice bytes, none = {0};
	survey->is_first = state_meta_get(look->txn, LEDGER_MARK, &bytes) < 0 ||
	                   !mark_decode(bytes, &look->mark);
	int rc = dpkg_log_read(
	        survey->root, survey->is_first ? NULL : &look->mark, &log, &survey->why);
	if (log.is_broken) {
		look->run->since_ns = look->mark.time_ns - CLOCK_SLACK_NS;
		tell_unlogged(look, DPKG_LOG, "the log was cut or replaced", none);
	}
	if (rc == 0)
		rc = run_take(look->run, buf_slice(&log.added), &survey->why);
	next->inode = log.end.inode;
	next->offset = log.end.offset;
	memcpy(next->tail, log.end.tail, sizeof(next->tail));
	buf_fini(&log.added);
	survey->id = (uint64_t)look->run->began_ns + look->mark.offset % NS_PER_S;
	if (rc == 0 && run_did_anything(look->run)) {
		look->manifest = manifest_new(look->run, survey->manager, survey->root);
		read_common(survey, look->manifest);
	}
	return rc;
}

static int read_database(struct look *look)
{
	struct survey *survey = look->survey;
	char path[PATH_MAX];
	struct buf status = BUF_INIT;
	snprintf(path, sizeof(path), "%s" STATUS_FILE, survey->root);
	int rc = file_read(path, STATUS_BYTES_MAX, &status, &survey->why);
	survey->is_absent = rc == -ENOENT;
	if (rc == 0)
		rc = dpkg_each_stanza(buf_slice(&status), take_stanza, look);
	key_set_seal(&look->seen);
	if (rc == 0)
		rc = state_meta_each(look->txn, LEDGER_PREFIX, take_gone, look);
	buf_fini(&status);
	return survey->is_absent ? 0 : rc;
}

static void keep_mark(struct look *look, const struct mark *next)
{
	struct buf bytes = BUF_INIT;
	bool has_moved = next->inode != look->mark.inode || next->offset != look->mark.offset;
	if (look->survey->puts.len > 0 || has_moved || look->survey->is_first) {
		mark_encode(next, &bytes);
		put(look, LEDGER_MARK, buf_slice(&bytes));
	}
	buf_fini(&bytes);
}

static int look_around(struct look *look)
{
	struct mark next = {.time_ns = clock_wall_ns()};
	int rc = read_run(look, &next);
	if (rc == 0)
		rc = read_database(look);
	if (rc == 0 && !look->survey->is_absent)
		keep_mark(look, &next);
	if (look->manifest)
		manifest_seal(look->manifest);
	return rc;
}

int dpkg_look(struct survey *survey, struct kv_txn *txn)
{
	struct look look = {.survey = survey, .txn = txn, .run = run_new()};
	merged_find(&look.merged, survey->root);
	int rc = look_around(&look);
	if (rc == 0 && look.manifest)
		survey->manifest = look.manifest;
	else if (look.manifest)
		manifest_free(look.manifest);
	else
		run_free(look.run);
	key_set_fini(&look.seen);
	buf_fini(&look.list);
	buf_fini(&look.md5sums);
	return rc;
}
