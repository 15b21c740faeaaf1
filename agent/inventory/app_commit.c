#include "agent/inventory/app_commit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/pkgdb/owner.h"
#include "agent/source/root.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define OWNERS_BYTES (128u << 20) /* a cap: 100 000 long paths */

struct key {
	size_t len;
	uint8_t bytes[FACT_KEY_MAX];
};

struct writing {
	struct app_commit *commit;
	struct app_walk *walk;
	struct arena *arena;
	struct owners *owners; /* NULL: they are not known */
	bool has_wanted;
	struct state_txn *txn;
	struct factbook_edit *edit;
	struct buf before;  /* one file's facts as they were */
	struct buf after;   /* and as they are */
	struct buf package; /* its owner */
	struct key *key;    /* of the facts as they are, sorted */
	size_t key_count, key_room;
};

static bool is_all(const struct app_commit *commit)
{
	return commit->path_count == 0;
}

/* --- what is gone, and what is to be asked --------------------------------------------------- */

static void want_owner(struct writing *writing, struct slice path, uint32_t count)
{
	if (!writing->owners || count == 0)
		return;
	writing->has_wanted = true;
	if (owners_want(writing->owners, path) == 0)
		return;
	owners_free(writing->owners);
	writing->owners = NULL;
}

/* Beyond its caps a walk does not know what else is there. */
static bool still_stands(const struct app_walk *walk, struct slice path)
{
	struct buf host = BUF_INIT, full = BUF_INIT;
	struct stat info;
	if (!walk->is_capped || !app_bases_of(walk->options.bases, path))
		return false;
	buf_append_slice(&host, path);
	root_path(walk->options.root, buf_text(&host), &full);
	bool stands = lstat(buf_text(&full), &info) == 0 && S_ISREG(info.st_mode);
	buf_fini(&host);
	buf_fini(&full);
	return stands;
}

static int compare(void *ctx, struct slice path, const struct app_record *record)
{
	struct writing *writing = ctx;
	struct app_walk *walk = writing->walk;
	bool is_changed;
	if (is_all(writing->commit))
		writing->commit->packages += record->count;
	if (app_walk_has_met(walk, path, &is_changed)) {
		if (!is_changed && is_all(writing->commit))
			want_owner(writing, path, record->count);
		return walk->rc;
	}
	if (app_walk_is_blind(walk, path) || still_stands(walk, path))
		return 0;
	struct app_change gone = {.path = path, .is_gone = true};
	app_walk_change(walk, &gone);
	return walk->rc;
}

/* A file below two of the paths is forgotten twice: fine. */
static int compare_all(struct writing *writing)
{
	struct kv_txn *txn;
	int rc = kv_begin_read(state_kv(writing->walk->options.state), &txn);
	if (rc < 0)
		return rc;
	if (is_all(writing->commit))
		rc = appbook_each(txn, (struct slice){0}, compare, writing);
	for (size_t i = 0; rc == 0 && i < writing->commit->path_count; i++)
		rc = appbook_each(txn, writing->commit->path[i], compare, writing);
	kv_abort(txn);
	return rc;
}

/* --- owners ---------------------------------------------------------------------------------- */

static void find_owners(struct writing *writing)
{
	struct app_walk *walk = writing->walk;
	struct reason why = {""};
	for (size_t i = 0; i < walk->change_count; i++)
		want_owner(writing, walk->change[i].path, walk->change[i].record.count);
	if (!writing->owners || !writing->has_wanted ||
	        owners_resolve(writing->owners, walk->options.root, &why) == 0)
		return;
	log_warn("who owns application packages is not known: %s", why.text);
	owners_free(writing->owners);
	writing->owners = NULL;
}

/* The facts of one file have one owner. */
static struct slice first_owner(struct slice facts)
{
	struct fact fact;
	return appbook_take_fact(&facts, &fact) == 0 ? fact.field[PACKAGE_OWNER]
	                                             : (struct slice){0};
}

/* A file that stands may have become another package's. */
static int compare_owner(void *ctx, struct slice path, const struct app_record *record)
{
	struct writing *writing = ctx;
	struct app_walk *walk = writing->walk;
	bool is_changed;
	if (record->count == 0 || !app_walk_has_met(walk, path, &is_changed) || is_changed)
		return 0;
	struct slice owner = owners_of(writing->owners, path).package;
	if (slice_equal(owner, first_owner(record->facts)))
		return 0;
	struct app_change change = {.path = path, .record = *record};
	app_walk_change(walk, &change);
	return walk->rc;
}

static int compare_owners(struct writing *writing)
{
	struct kv_txn *txn;
	if (!is_all(writing->commit) || !writing->owners)
		return 0;
	int rc = kv_begin_read(state_kv(writing->walk->options.state), &txn);
	if (rc < 0)
		return rc;
	rc = appbook_each(txn, (struct slice){0}, compare_owner, writing);
	kv_abort(txn);
	return rc;
}

/* --- writing --------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
	const struct key *left = a, *right = b;
	return slice_compare(slice_of(left->bytes, left->len), slice_of(right->bytes, right->len));
}

static void add_key(struct writing *writing, const struct fact *fact)
{
	if (writing->key_count == writing->key_room) {
		writing->key_room = writing->key_room ? writing->key_room * 2 : 16;
		writing->key = mem_resize(writing->key, writing->key_room * sizeof(*writing->key));
	}
	struct key *key = &writing->key[writing->key_count++];
	key->len = fact_key(fact, key->bytes);
}

static bool has_key(const struct writing *writing, const struct fact *fact)
{
	struct key key;
	key.len = fact_key(fact, key.bytes);
	return writing->key_count > 0 &&
	       bsearch(&key, writing->key, writing->key_count, sizeof(*writing->key), by_bytes);
}

/* Copied, because what is borrowed from the store ends with the next write. */
static int recall(struct writing *writing, struct slice path, struct app_record *out)
{
	buf_reset(&writing->before);
	*out = (struct app_record){0};
	int rc = appbook_get(state_txn_kv(writing->txn), path, out);
	if (rc == 0)
		buf_append_slice(&writing->before, out->facts);
	out->facts = buf_slice(&writing->before);
	return rc == ERR_MISSING ? 0 : rc;
}

static void set_owner(struct writing *writing, const struct app_change *change, struct slice before)
{
	struct slice owner = writing->owners ? owners_of(writing->owners, change->path).package
	                                     : first_owner(before);
	buf_reset(&writing->package);
	buf_append_slice(&writing->package, owner);
}

static int hold_facts(struct writing *writing, const struct app_change *change)
{
	struct slice rest = change->record.facts;
	struct fact fact;
	int rc = 0;
	writing->key_count = 0;
	buf_reset(&writing->after);
	while (rc == 0 && (rc = appbook_take_fact(&rest, &fact)) == 0) {
		fact.field[PACKAGE_OWNER] = buf_slice(&writing->package);
		appbook_append_fact(&writing->after, &fact);
		add_key(writing, &fact);
		rc = factbook_edit_hold(writing->edit, &fact);
	}
	if (writing->key_count > 1)
		qsort(writing->key, writing->key_count, sizeof(*writing->key), by_bytes);
	return rc == ERR_MISSING ? 0 : rc;
}

static int drop_facts(struct writing *writing, struct slice before)
{
	struct fact fact;
	int rc = 0;
	while (rc == 0 && (rc = appbook_take_fact(&before, &fact)) == 0)
		if (!has_key(writing, &fact))
			rc = factbook_edit_drop(writing->edit, &fact);
	return rc == ERR_MISSING ? 0 : rc;
}

static int write_change(struct writing *writing, const struct app_change *change)
{
	struct app_record before, after = change->record;
	int rc = recall(writing, change->path, &before);
	if (rc < 0)
		return rc;
	set_owner(writing, change, before.facts);
	rc = hold_facts(writing, change);
	if (rc == 0)
		rc = drop_facts(writing, before.facts);
	if (rc < 0)
		return rc;
	writing->commit->packages += (int64_t)after.count - before.count;
	after.facts = buf_slice(&writing->after);
	return change->is_gone ? appbook_remove(writing->txn, change->path)
	                       : appbook_put(writing->txn, change->path, &after);
}

static int write_changes(struct writing *writing)
{
	const struct app_walk *walk = writing->walk;
	const struct app_commit *commit = writing->commit;
	int rc = 0;
	writing->edit = factbook_edit_begin(
	        writing->txn, APP_SCOPES, APP_SCOPE_COUNT, commit->cause, commit->now_ns);
	for (size_t i = 0; rc == 0 && i < walk->change_count; i++)
		rc = write_change(writing, &walk->change[i]);
	int events = factbook_edit_end(writing->edit);
	if (rc == 0 && events >= 0)
		writing->commit->events = (uint64_t)events;
	return rc < 0 ? rc : events < 0 ? events : 0;
}

/* Whoever waits for the store is not to wait for a disk that serves this thread last. */
static void leave_idle_io(void)
{
	const int WHO_PROCESS = 1, CLASS_NONE = 0;
	syscall(SYS_ioprio_set, WHO_PROCESS, 0, CLASS_NONE);
}

static int commit_all(struct writing *writing, struct reason *out_why)
{
	leave_idle_io();
	int rc = state_begin(writing->walk->options.state, &writing->txn, out_why);
	if (rc < 0)
		return rc;
	rc = write_changes(writing);
	if (rc < 0) {
		state_abort(writing->txn);
		return fail(out_why, rc, "cannot write application packages: %s", err_text(rc));
	}
	return state_commit(writing->txn, out_why);
}

int app_commit_run(struct app_commit *commit, struct app_walk *walk, struct reason *out_why)
{
	struct writing writing = {.commit = commit, .walk = walk, .arena = arena_new(OWNERS_BYTES)};
	writing.owners = owners_new(writing.arena);
	int rc = compare_all(&writing);
	if (rc == 0) {
		find_owners(&writing);
		app_walk_pace(walk);
		rc = compare_owners(&writing);
	}
	if (rc == 0)
		rc = walk->rc;
	if (rc < 0)
		fail(out_why, rc, "%s", walk->rc < 0 ? walk->why.text : err_text(rc));
	else if (is_all(commit) || walk->change_count > 0)
		rc = commit_all(&writing, out_why);
	owners_free(writing.owners);
	arena_free(writing.arena);
	buf_fini(&writing.before);
	buf_fini(&writing.after);
	buf_fini(&writing.package);
	free(writing.key);
	return rc;
}
