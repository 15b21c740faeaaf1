#include "agent/packages/rpm_survey.h"

#include <stdio.h>

#include "agent/packages/ledger.h"
#include "agent/packages/rpm_ledger.h"
#include "agent/packages/rpm_lock.h"
#include "agent/packages/rpm_proof.h"
#include "agent/rpmdb/rpm_region.h"
#include "agent/rpmdb/rpmdb.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#define WORD_BYTES_MAX  100 /* of a name, version, release or architecture */
#define EVR_BYTES_MAX   256
#define NAME_BYTES_MAX  480 /* of all of them, in the ledger */
#define TRIES           3
#define ARENA_BYTES_MAX (RPMDB_PACKAGES_MAX * 128ull)

/* A package that was seen, by ledger name. */
struct seen {
	uint64_t key;
	UT_hash_handle hh;
};

/* What a look needs on its way. */
struct look {
	struct survey *survey;
	struct kv_txn *txn;
	const struct rpm_source *source;
	struct merged merged;
	struct run *run; /* the manifest's */
	struct manifest *manifest;
	struct seen *seen;
	struct arena *arena; /* of those */
	struct key_set kept; /* NAME.ARCH of packages that were there before */
	int64_t looked_ns;   /* of the last time */
	uint64_t first_transaction;
	struct buf keys, bytes; /* of the package at hand */
	struct buf path;
};

/* One package. */
struct package {
	struct slice name;
	char evr[EVR_BYTES_MAX];
	char name_arch[EVR_BYTES_MAX];
	char ledger_name[NAME_BYTES_MAX];
	struct rpm_record now;
	struct rpm_record before; /* borrows from the transaction */
	bool is_known;            /* there is a `before` */
	bool is_sound;
	const struct run_package *done; /* NULL: the run did nothing to it */
};

static void tell(struct look *look, const char *what, const char *package, const char *more)
{
	char detail[REASON_MAX];
	snprintf(detail, sizeof(detail), "%s '%s'%s", what, package, more);
	survey_tell(look->survey, look->source->path, detail);
}

static const char *id_of(const struct package *package)
{
	return package->ledger_name + strlen(RPM_LEDGER_PREFIX);
}

/* --- what it is called ----------------------------------------------------------------------- */

/* A word that is part of a key; rpm's own rule is narrower. */
static bool take_word(const struct rpm_header *header, enum rpm_tag tag, struct slice *out)
{
	if (!rpm_header_text(header, tag, out))
		return false;
	for (size_t i = 0; i < out->len; i++)
		if (out->ptr[i] <= ' ' || out->ptr[i] > '~' || out->ptr[i] == '/')
			return false;
	return out->len > 0 && out->len <= WORD_BYTES_MAX;
}

static bool name_package(const struct rpm_header *header, struct package *package)
{
	struct slice version, release, arch;
	uint64_t epoch;
	if (!take_word(header, RPM_NAME, &package->name) ||
	        !take_word(header, RPM_VERSION, &version) ||
	        !take_word(header, RPM_RELEASE, &release) || !take_word(header, RPM_ARCH, &arch))
		return false;
	char before[32] = "";
	if (rpm_header_number(header, RPM_EPOCH, 0, &epoch))
		snprintf(before, sizeof(before), "%llu:", (unsigned long long)epoch);
	snprintf(package->evr, sizeof(package->evr), "%s%.*s-%.*s", before, SLICE_ARG(version),
	        SLICE_ARG(release));
	snprintf(package->name_arch, sizeof(package->name_arch), "%.*s.%.*s",
	        SLICE_ARG(package->name), SLICE_ARG(arch));
	snprintf(package->ledger_name, sizeof(package->ledger_name),
	        RPM_LEDGER_PREFIX "%.*s-%s.%.*s", SLICE_ARG(package->name), package->evr,
	        SLICE_ARG(arch));
	return true;
}

/* False: there was one of that name before; rpm has no two. */
static bool see(struct look *look, const struct package *package)
{
	uint64_t key = key_of(slice_text(package->ledger_name));
	struct seen *seen;
	HASH_FIND(hh, look->seen, &key, sizeof(key), seen);
	if (seen)
		return false;
	seen = arena_alloc_zeroed(look->arena, 1, sizeof(*seen));
	if (!seen)
		return false;
	seen->key = key;
	HASH_ADD(hh, look->seen, key, sizeof(key), seen);
	return true;
}

/* --- its files ------------------------------------------------------------------------------- */

static void take_file(struct look *look, const struct package *package, const struct rpm_file *file)
{
	buf_reset(&look->path);
	buf_append_slice(&look->path, file->directory);
	buf_append_slice(&look->path, file->name);
	uint64_t key = merged_key(&look->merged, buf_slice(&look->path));
	buf_append_u64(&look->keys, key);
	manifest_own(look->manifest, key);
	/* Another package's file lies there, or none. */
	bool is_here = file->state == RPM_STATE_NORMAL || file->state == RPM_STATE_NETSHARED;
	if (!package->done || !is_here || !package->is_sound)
		return;
	rpm_proof_take(file, manifest_list(look->manifest, package->done, key));
}

static int take_files(
        struct look *look, const struct rpm_header *header, const struct package *package)
{
	struct rpm_files *files;
	struct rpm_file file;
	struct reason why;
	buf_reset(&look->keys);
	if (rpm_files_open(header, &files, &why) < 0) {
		log_warn("rpm: the files of package '%s' cannot be told: %s", id_of(package),
		        why.text);
		return 0;
	}
	while (rpm_files_next(files, &file))
		take_file(look, package, &file);
	rpm_files_close(files);
	return 0;
}

static void own_before(struct look *look, const struct package *package)
{
	struct slice rest = package->before.paths;
	uint64_t key;
	while (ledger_take_path(&rest, &key))
		manifest_own(look->manifest, key);
}

static void list_before(
        struct look *look, const struct rpm_record *before, const struct run_package *done)
{
	struct slice rest = before->paths;
	uint64_t key;
	while (done && ledger_take_path(&rest, &key))
		manifest_listed_before(look->manifest, done, key);
}

/* --- a package that is there ----------------------------------------------------------------- */

static bool is_same_installation(const struct package *package)
{
	return package->is_known && package->now.install_time == package->before.install_time &&
	       package->now.transaction == package->before.transaction;
}

/* Whether the run may have done it; if nobody can have, it is told. */
static bool is_runs_work(struct look *look, const char *what, const char *package)
{
	if (!look->survey->is_lock_unseen)
		return true;
	if (!look->survey->is_first)
		tell(look, what, package, ", and nobody has held rpm's lock for it");
	return false;
}

static int note_installed(struct look *look, struct package *package)
{
	struct slice none = {0}, evr = slice_text(package->evr);
	uint64_t transaction = package->now.transaction;
	if (look->survey->is_first ||
	        !is_runs_work(look, "there is a new entry of package", id_of(package)))
		return 0;
	if (look->first_transaction == 0 || transaction < look->first_transaction)
		look->first_transaction = transaction;
	return run_note(look->run, package->is_known ? RUN_UPGRADED : RUN_INSTALLED,
	        slice_text(package->name_arch), package->name, package->is_known ? evr : none, evr,
	        &package->done);
}

static void check_soundness(
        struct look *look, const struct rpm_header *header, struct package *package)
{
	enum rpm_soundness soundness = rpm_region_check(header);
	package->is_sound = soundness == RPM_SOUND || soundness == RPM_UNSURE;
	if (soundness == RPM_FORGED)
		tell(look, "the entry is not as the package brought it, by its digest, of package",
		        id_of(package), "");
	else if (soundness == RPM_OVERLAID)
		tell(look,
		        "other words than the package's own count for files in the entry of "
		        "package",
		        id_of(package), "");
}

static int look_closely(struct look *look, const struct rpm_header *header, struct package *package)
{
	int rc = 0;
	check_soundness(look, header, package);
	if (!is_same_installation(package))
		rc = note_installed(look, package);
	else if (package->is_sound)
		tell(look, "the entry has changed of package", id_of(package),
		        ", though it was not installed again");
	if (rc == 0)
		rc = take_files(look, header, package);
	if (package->is_known)
		list_before(look, &package->before, package->done);
	package->now.paths = buf_slice(&look->keys);
	buf_reset(&look->bytes);
	rpm_record_encode(&package->now, &look->bytes);
	survey_put(look->survey, package->ledger_name, buf_slice(&look->bytes));
	return rc;
}

static int take_header(void *ctx, const struct rpm_header *header)
{
	struct look *look = ctx;
	struct package package = {0};
	struct slice bytes;
	if (!name_package(header, &package) || !see(look, &package))
		return 0;
	rpm_header_number(header, RPM_INSTALLTIME, 0, &package.now.install_time);
	rpm_header_number(header, RPM_INSTALLTID, 0, &package.now.transaction);
	rpm_header_digest(header, package.now.digest);
	package.is_known = state_meta_get(look->txn, package.ledger_name, &bytes) == 0 &&
	                   rpm_record_decode(bytes, &package.before);
	bool is_same = is_same_installation(&package);
	if (is_same)
		key_set_add(&look->kept, key_of(slice_text(package.name_arch)));
	if (is_same && memcmp(package.now.digest, package.before.digest, SHA256_BYTES) == 0) {
		own_before(look, &package);
		return 0;
	}
	return look_closely(look, header, &package);
}

/* --- packages that are gone ------------------------------------------------------------------ */

/* NAME-VERSION-RELEASE.ARCH */
static bool split_id(struct slice id, struct package *out)
{
	const uint8_t *dot = memrchr(id.ptr, '.', id.len);
	if (!dot)
		return false;
	struct slice rest = slice_of(id.ptr, (size_t)(dot - id.ptr));
	const uint8_t *dash = memrchr(rest.ptr, '-', rest.len);
	dash = dash ? memrchr(rest.ptr, '-', (size_t)(dash - rest.ptr)) : NULL;
	if (!dash)
		return false;
	out->name = slice_of(id.ptr, (size_t)(dash - id.ptr));
	snprintf(out->evr, sizeof(out->evr), "%.*s", (int)(dot - dash - 1), (const char *)dash + 1);
	snprintf(out->name_arch, sizeof(out->name_arch), "%.*s%.*s", SLICE_ARG(out->name),
	        (int)(id.len - rest.len), (const char *)dot);
	return true;
}

/* The older version of what was installed goes with it; unless another stays, as of kernels. */
static int note_gone(struct look *look, struct package *package)
{
	struct slice none = {0}, name_arch = slice_text(package->name_arch);
	bool is_kept = key_set_has(&look->kept, key_of(name_arch));
	bool is_replaced = !is_kept && run_find(look->run, name_arch);
	return run_note(look->run, is_replaced ? RUN_UPGRADED : RUN_REMOVED,
	        is_replaced ? name_arch : slice_text(id_of(package)), package->name,
	        slice_text(package->evr), none, &package->done);
}

static int take_gone(void *ctx, struct slice ledger_name, struct slice value)
{
	struct look *look = ctx;
	struct package package = {0};
	uint64_t key = key_of(ledger_name);
	const struct seen *seen;
	HASH_FIND(hh, look->seen, &key, sizeof(key), seen);
	if (seen || ledger_name.len >= sizeof(package.ledger_name))
		return 0;
	memcpy(package.ledger_name, ledger_name.ptr, ledger_name.len);
	survey_put(look->survey, package.ledger_name, (struct slice){0});
	if (!split_id(slice_text(id_of(&package)), &package) ||
	        !is_runs_work(look, "there is no entry any more of package", id_of(&package)))
		return 0;
	int rc = note_gone(look, &package);
	if (rc == 0 && rpm_record_decode(value, &package.before))
		list_before(look, &package.before, package.done);
	return rc;
}

/* --- the whole ------------------------------------------------------------------------------- */

static void keep_mark(struct look *look)
{
	if (look->survey->puts.len == 0 && !look->survey->is_first)
		return;
	buf_reset(&look->bytes);
	rpm_mark_encode(clock_wall_ns(), &look->bytes);
	survey_put(look->survey, RPM_LEDGER_MARK, buf_slice(&look->bytes));
}

/* A run without anything installed has no number of its own: the last look, before it, is taken
 * for its start. */
static uint64_t number_of_run(const struct look *look)
{
	uint64_t start = (uint64_t)look->looked_ns;
	if (look->first_transaction > 0 && look->first_transaction < UINT64_MAX / 2 / NS_PER_S)
		start = look->first_transaction * NS_PER_S + start % NS_PER_S;
	return start;
}

static int look_around(struct look *look)
{
	struct survey *survey = look->survey;
	struct slice bytes;
	survey->is_first = state_meta_get(look->txn, RPM_LEDGER_MARK, &bytes) < 0 ||
	                   !rpm_mark_decode(bytes, &look->looked_ns);
	int rc = look->source->each(look->source, take_header, look, &survey->why);
	if (rc == ERR_MISSING) {
		survey->is_absent = true;
		if (!survey->is_first)
			survey_tell(survey, look->source->path, "the database of rpm is gone");
		return 0;
	}
	key_set_seal(&look->kept);
	if (rc == 0)
		rc = state_meta_each(look->txn, RPM_LEDGER_PREFIX, take_gone, look);
	if (rc == 0)
		keep_mark(look);
	survey->id = number_of_run(look);
	return rc;
}

int rpm_look_over(struct survey *survey, struct kv_txn *txn, const struct rpm_source *source)
{
	struct look look = {.survey = survey,
	        .txn = txn,
	        .source = source,
	        .run = run_new(),
	        .arena = arena_new(ARENA_BYTES_MAX)};
	look.manifest = manifest_new(look.run, survey->manager, survey->root);
	merged_find(&look.merged, survey->root);
	int rc = look_around(&look);
	if (rc == 0 && run_did_anything(look.run)) {
		manifest_seal(look.manifest);
		survey->manifest = look.manifest;
	} else {
		manifest_free(look.manifest);
	}
	HASH_CLEAR(hh, look.seen);
	arena_free(look.arena);
	key_set_fini(&look.kept);
	buf_fini(&look.keys);
	buf_fini(&look.bytes);
	buf_fini(&look.path);
	return rc;
}

/* --- over the database ----------------------------------------------------------------------- */

struct database {
	struct rpm_source source; /* first */
	struct rpmdb *db;
};

static int each_in_database(const struct rpm_source *source,
        int (*take)(void *ctx, const struct rpm_header *header), void *ctx, struct reason *out_why)
{
	const struct database *database = (const struct database *)source;
	if (!database->db)
		return ERR_MISSING;
	int rc = rpmdb_each(database->db, take, ctx, out_why);
	return rc < 0 ? rc : 0; /* what is passed over explains nothing */
}

static int look_once(struct survey *survey, struct kv_txn *txn)
{
	struct database database = {.source = {.path = RPM_DIR, .each = each_in_database}};
	int rc = rpmdb_open(survey->root, &database.db, &survey->why);
	if (rc < 0 && rc != ERR_MISSING)
		return rc;
	if (rc == 0)
		database.source.path = rpmdb_path(database.db) + strlen(survey->root);
	else
		database.db = NULL;
	rc = rpm_look_over(survey, txn, &database.source);
	rpmdb_close(database.db);
	return rc;
}

int rpm_look(struct survey *survey, struct kv_txn *txn)
{
	int rc = ERR_BUSY;
	for (int i = 0; rc == ERR_BUSY && i < TRIES; i++) {
		survey_reset(survey);
		rc = look_once(survey, txn);
	}
	return rc;
}
