/*
 * In the meta table, "facts KIND" or "facts KIND FIRST" stands for each scope that was reported at
 * least once: until then all its facts are a first sight. "sum KIND" has the section's sum, and
 * "facts changed" the number of the last event that came with a change (8 bytes, big endian).
 */
#include "agent/state/factbook.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/state/spool.h"
#include "agent/state/state_private.h"
#include "common/base/mem.h"
#include "common/model/section.h"

#define NAME_CHANGED "facts changed"
#define NAME_BYTES   64

struct keyed {
	const struct fact *fact;
	uint8_t key[FACT_KEY_MAX];
	size_t key_len;
	size_t order; /* in the caller's list: of two with one key, the later counts */
};

struct sync {
	struct state_txn *txn;
	int64_t now_ns;
	enum event_cause cause;
	struct keyed *held; /* one kind, by key */
	size_t count;
	int events;
	bool is_silent; /* state sync carries what is new */
	struct section_sum sums[FACT_KIND_MAX + 1];
	unsigned loaded, changed; /* bits 1 << kind */
};

/* --- sums ------------------------------------------------------------------------------------- */

/* A state of before there were sums has none. */
static int read_sum(struct kv_txn *txn, enum fact_kind kind, struct section_sum *out)
{
	char name[NAME_BYTES];
	struct slice value;
	snprintf(name, sizeof(name), "sum %s", fact_kind_name(kind));
	*out = (struct section_sum){0};
	int rc = state_meta_get(txn, name, &value);
	if (rc == ERR_MISSING)
		return factbook_each(txn, kind, section_sum_add_fact, out);
	return rc < 0 ? rc : section_sum_read(value, out);
}

static int load_sum(struct sync *sync, enum fact_kind kind)
{
	if (sync->loaded & 1u << kind)
		return 0;
	sync->loaded |= 1u << kind;
	return read_sum(sync->txn->kv, kind, &sync->sums[kind]);
}

/* NULL bytes: there was, or is, none. */
static void change_sum(
        struct sync *sync, enum fact_kind kind, struct slice before, struct slice after)
{
	if (before.ptr)
		section_sum_take(&sync->sums[kind], before);
	if (after.ptr)
		section_sum_add(&sync->sums[kind], after);
	sync->changed |= 1u << kind;
}

static int store_sums(struct sync *sync)
{
	struct buf value = BUF_INIT;
	char name[NAME_BYTES];
	int rc = 0;
	for (unsigned kind = 1; rc == 0 && kind <= FACT_KIND_MAX; kind++) {
		if (!(sync->changed & 1u << kind))
			continue;
		buf_reset(&value);
		section_sum_append(&sync->sums[kind], &value);
		snprintf(name, sizeof(name), "sum %s", fact_kind_name((enum fact_kind)kind));
		rc = state_meta_put(sync->txn, name, buf_slice(&value));
	}
	buf_reset(&value);
	buf_append_u64(&value, sync->txn->position.next_seq - 1);
	if (rc == 0 && sync->changed)
		rc = state_meta_put(sync->txn, NAME_CHANGED, buf_slice(&value));
	buf_fini(&value);
	return rc;
}

/* --- one scope -------------------------------------------------------------------------------- */

static struct slice key_of(const struct keyed *keyed)
{
	return slice_of(keyed->key, keyed->key_len);
}

static int by_key(const void *a, const void *b)
{
	const struct keyed *left = a, *right = b;
	int order = slice_compare(key_of(left), key_of(right));
	return order ? order : (left->order > right->order) - (left->order < right->order);
}

static bool is_within(const struct fact_scope *scope, const struct fact *fact)
{
	return fact->kind == scope->kind &&
	       (!scope->first || slice_is(fact->field[0], scope->first));
}

static void gather(
        struct sync *sync, const struct fact_scope *scope, const struct fact *facts, size_t count)
{
	size_t held = 0;
	sync->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct keyed *keyed = &sync->held[held];
		if (!is_within(scope, &facts[i]))
			continue;
		keyed->fact = &facts[i];
		keyed->key_len = fact_key(&facts[i], keyed->key);
		keyed->order = i;
		held++;
	}
	qsort(sync->held, held, sizeof(*sync->held), by_key);
	for (size_t i = 0; i < held; i++) {
		bool is_followed = i + 1 < held &&
		                   slice_equal(key_of(&sync->held[i]), key_of(&sync->held[i + 1]));
		if (!is_followed)
			sync->held[sync->count++] = sync->held[i];
	}
}

static int tell(struct sync *sync, const struct fact *before, const struct fact *after)
{
	struct event event = {
	        .time_ns = sync->now_ns,
	        .kind = EVENT_FACT,
	        .action = !before ? ACTION_INSTALLED
	                  : after ? ACTION_UPGRADED
	                          : ACTION_REMOVED,
	        .cause = sync->cause,
	        .fact_before = before,
	        .fact_after = after,
	};
	if (sync->is_silent)
		return 0;
	int rc = spool_append(sync->txn, &event, NULL);
	if (rc == ERR_LIMIT && before && after) {
		/* Two facts at the limit of their size do not fit into one event. */
		rc = tell(sync, before, NULL);
		return rc < 0 ? rc : tell(sync, NULL, after);
	}
	if (rc == 0)
		sync->events++;
	return rc;
}

/* The record that is held now is behind `before`, which is borrowed from the store: it is added up,
 * and the event written, first. */
static int put_one(struct sync *sync, const struct keyed *keyed, struct buf *record)
{
	struct slice stored;
	struct fact before;
	buf_reset(record);
	fact_encode(keyed->fact, record);
	int rc = kv_get(sync->txn->kv, STATE_FACTS, key_of(keyed), &stored);
	bool is_known = rc == 0;
	if (rc < 0 && rc != ERR_MISSING)
		return rc;
	if (is_known && slice_equal(stored, buf_slice(record)))
		return 0;
	if (is_known) {
		rc = fact_decode(stored, &before);
		if (rc < 0)
			return rc;
	}
	change_sum(
	        sync, keyed->fact->kind, is_known ? stored : (struct slice){0}, buf_slice(record));
	rc = tell(sync, is_known ? &before : NULL, keyed->fact);
	return rc < 0 ? rc : kv_put(sync->txn->kv, STATE_FACTS, key_of(keyed), buf_slice(record));
}

static int put_held(struct sync *sync)
{
	struct buf record = BUF_INIT;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sync->count; i++)
		rc = put_one(sync, &sync->held[i], &record);
	buf_fini(&record);
	return rc;
}

/* What the keys of a scope begin with: see fact_key. */
static size_t key_prefix(const struct fact_scope *scope, uint8_t out[FACT_KEY_MAX])
{
	size_t len = scope->first ? strlen(scope->first) + 1 : 0;
	out[0] = (uint8_t)scope->kind;
	if (len > 0)
		memcpy(out + 1, scope->first, len);
	return 1 + len;
}

/* Stored and held facts are both in key order: one walk along both. */
static int remove_gone(struct sync *sync, const struct fact_scope *scope)
{
	uint8_t bytes[FACT_KEY_MAX];
	struct slice prefix = slice_of(bytes, key_prefix(scope, bytes));
	struct kv_cursor *cursor;
	struct slice key, stored;
	size_t next = 0;
	int rc = kv_cursor_open(sync->txn->kv, STATE_FACTS, &cursor);
	if (rc < 0)
		return rc;
	rc = kv_seek(cursor, prefix, &key, &stored);
	while (rc == 0 && slice_starts_with(key, prefix)) {
		while (next < sync->count && slice_compare(key_of(&sync->held[next]), key) < 0)
			next++;
		bool is_held = next < sync->count && slice_equal(key_of(&sync->held[next]), key);
		struct fact gone;
		if (!is_held) {
			rc = fact_decode(stored, &gone);
			change_sum(sync, scope->kind, stored, (struct slice){0});
			if (rc == 0)
				rc = tell(sync, &gone, NULL);
			if (rc == 0)
				rc = kv_delete_here(cursor);
		}
		if (rc == 0)
			rc = kv_next(cursor, &key, &stored);
	}
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? 0 : rc;
}

/* What a scope that is told in silence has: its facts come by state sync. */
static int tell_count(struct sync *sync, const struct fact_scope *scope)
{
	char detail[NAME_BYTES];
	snprintf(detail, sizeof(detail), "inventory: %s%s%s", fact_kind_name(scope->kind),
	        scope->first ? " of " : "", scope->first ? scope->first : "");
	struct event event = {
	        .time_ns = sync->now_ns,
	        .kind = EVENT_AGENT,
	        .action = ACTION_BASELINED,
	        .cause = CAUSE_BASELINE,
	        .detail = slice_text(detail),
	        .count = (uint32_t)sync->count,
	};
	int rc = spool_append(sync->txn, &event, NULL);
	if (rc == 0)
		sync->events++;
	return rc;
}

static void scope_name(const struct fact_scope *scope, char out[NAME_BYTES])
{
	snprintf(out, NAME_BYTES, "facts %s%s%s", fact_kind_name(scope->kind),
	        scope->first ? " " : "", scope->first ? scope->first : "");
}

static int was_reported(struct kv_txn *txn, const struct fact_scope *scope, bool *out)
{
	char name[NAME_BYTES];
	struct slice value;
	scope_name(scope, name);
	int rc = state_meta_get(txn, name, &value);
	if (rc < 0 && rc != ERR_MISSING)
		return rc;
	*out = rc == 0;
	return 0;
}

/* Sets how what is found in the scope is told. */
static void enter_scope(
        struct sync *sync, const struct fact_scope *scope, enum event_cause cause, bool is_first)
{
	sync->cause = is_first ? CAUSE_BASELINE : cause;
	sync->is_silent = is_first && section_is_synced(scope->kind);
}

static int end_first_sight(struct sync *sync, const struct fact_scope *scope, bool is_changed)
{
	char name[NAME_BYTES];
	scope_name(scope, name);
	bool is_told = sync->is_silent && (sync->count > 0 || is_changed);
	int rc = is_told ? tell_count(sync, scope) : 0;
	return rc < 0 ? rc : state_meta_put(sync->txn, name, slice_text("1"));
}

static int sync_scope(struct sync *sync, const struct fact_scope *scope, const struct fact *facts,
        size_t count, enum event_cause cause)
{
	bool was_seen;
	int rc = was_reported(sync->txn->kv, scope, &was_seen);
	if (rc < 0)
		return rc;
	enter_scope(sync, scope, cause, !was_seen);
	gather(sync, scope, facts, count);
	rc = load_sum(sync, scope->kind);
	if (rc == 0)
		rc = remove_gone(sync, scope);
	if (rc == 0)
		rc = put_held(sync);
	/* Where nothing is held, what another scope had held may be gone: the sum is another. */
	if (rc == 0 && !was_seen)
		rc = end_first_sight(sync, scope, sync->changed & 1u << scope->kind);
	return rc;
}

int factbook_sync(struct state_txn *txn, const struct fact_scope *scopes, size_t scope_count,
        const struct fact *facts, size_t count, enum event_cause cause, int64_t now_ns)
{
	struct sync sync = {.txn = txn, .now_ns = now_ns};
	int rc = 0;
	sync.held = mem_new_array(count ? count : 1, sizeof(*sync.held));
	for (size_t i = 0; rc == 0 && i < scope_count; i++)
		rc = sync_scope(&sync, &scopes[i], facts, count, cause);
	free(sync.held);
	if (rc == 0)
		rc = store_sums(&sync);
	return rc < 0 ? rc : sync.events;
}

/* --- one fact at a time ----------------------------------------------------------------------- */

struct factbook_edit {
	struct sync sync;
	const struct fact_scope *scopes;
	size_t scope_count;
	enum event_cause cause;
	bool is_entered[FACTBOOK_EDIT_SCOPES], was_seen[FACTBOOK_EDIT_SCOPES];
	size_t held[FACTBOOK_EDIT_SCOPES];
	struct buf record;
	int rc; /* the first failure */
};

struct factbook_edit *factbook_edit_begin(struct state_txn *txn, const struct fact_scope *scopes,
        size_t scope_count, enum event_cause cause, int64_t now_ns)
{
	assert(scope_count <= FACTBOOK_EDIT_SCOPES);
	struct factbook_edit *edit = mem_new(sizeof(*edit));
	edit->sync = (struct sync){.txn = txn, .now_ns = now_ns};
	edit->scopes = scopes;
	edit->scope_count = scope_count;
	edit->cause = cause;
	return edit;
}

static int enter(struct factbook_edit *edit, size_t at)
{
	int rc = 0;
	if (!edit->is_entered[at])
		rc = was_reported(edit->sync.txn->kv, &edit->scopes[at], &edit->was_seen[at]);
	if (rc < 0)
		return rc;
	edit->is_entered[at] = true;
	enter_scope(&edit->sync, &edit->scopes[at], edit->cause, !edit->was_seen[at]);
	return load_sum(&edit->sync, edit->scopes[at].kind);
}

static int enter_scope_of(struct factbook_edit *edit, const struct fact *fact, size_t *out_at)
{
	for (size_t i = 0; i < edit->scope_count; i++) {
		if (!is_within(&edit->scopes[i], fact))
			continue;
		*out_at = i;
		return enter(edit, i);
	}
	return ERR_FORMAT;
}

int factbook_edit_hold(struct factbook_edit *edit, const struct fact *fact)
{
	struct keyed keyed = {.fact = fact};
	size_t at = 0;
	int rc = edit->rc < 0 ? edit->rc : enter_scope_of(edit, fact, &at);
	if (rc == 0) {
		keyed.key_len = fact_key(fact, keyed.key);
		rc = put_one(&edit->sync, &keyed, &edit->record);
		edit->held[at]++;
	}
	return edit->rc = rc;
}

static int drop_one(struct sync *sync, struct slice key)
{
	struct slice stored = {0};
	struct fact gone = {0};
	int rc = kv_get(sync->txn->kv, STATE_FACTS, key, &stored);
	if (rc == 0)
		rc = fact_decode(stored, &gone);
	if (rc < 0)
		return rc == ERR_MISSING ? 0 : rc;
	change_sum(sync, gone.kind, stored, (struct slice){0});
	rc = tell(sync, &gone, NULL);
	return rc < 0 ? rc : kv_delete(sync->txn->kv, STATE_FACTS, key);
}

int factbook_edit_drop(struct factbook_edit *edit, const struct fact *fact)
{
	uint8_t key[FACT_KEY_MAX];
	size_t at = 0;
	int rc = edit->rc < 0 ? edit->rc : enter_scope_of(edit, fact, &at);
	if (rc == 0)
		rc = drop_one(&edit->sync, slice_of(key, fact_key(fact, key)));
	return edit->rc = rc;
}

int factbook_edit_end(struct factbook_edit *edit)
{
	int rc = edit->rc;
	for (size_t i = 0; rc == 0 && i < edit->scope_count; i++) {
		rc = enter(edit, i);
		edit->sync.count = edit->held[i];
		if (rc == 0 && !edit->was_seen[i])
			rc = end_first_sight(&edit->sync, &edit->scopes[i], false);
	}
	if (rc == 0)
		rc = store_sums(&edit->sync);
	if (rc == 0)
		rc = edit->sync.events;
	buf_fini(&edit->record);
	free(edit);
	return rc;
}

/* --- asking ----------------------------------------------------------------------------------- */

int factbook_root(struct kv_txn *txn, uint8_t out[SECTION_ROOT_BYTES], uint64_t *out_changed_seq)
{
	struct section_sum sums[FACT_KIND_MAX + 1] = {0};
	struct slice value;
	int rc = 0;
	*out_changed_seq = 0;
	for (unsigned kind = 1; rc == 0 && kind <= FACT_KIND_MAX; kind++)
		if (section_is_synced((enum fact_kind)kind))
			rc = read_sum(txn, (enum fact_kind)kind, &sums[kind]);
	if (rc < 0)
		return rc;
	rc = state_meta_get(txn, NAME_CHANGED, &value);
	if (rc == 0 && !slice_take_u64(&value, out_changed_seq))
		return ERR_FORMAT;
	if (rc < 0 && rc != ERR_MISSING)
		return rc;
	section_root(sums, out);
	return 0;
}

uint64_t factbook_count(struct kv_txn *txn, enum fact_kind kind)
{
	struct section_sum sum;
	return read_sum(txn, kind, &sum) == 0 ? sum.count : 0;
}

int factbook_find(struct kv_txn *txn, const struct fact *like, struct fact *out)
{
	uint8_t key[FACT_KEY_MAX];
	struct slice stored;
	int rc = kv_get(txn, STATE_FACTS, slice_of(key, fact_key(like, key)), &stored);
	return rc < 0 ? rc : fact_decode(stored, out);
}

int factbook_each(struct kv_txn *txn, enum fact_kind kind,
        int (*each)(void *ctx, const struct fact *fact), void *ctx)
{
	uint8_t prefix = (uint8_t)kind;
	struct kv_cursor *cursor;
	struct slice key, stored;
	struct fact fact;
	int rc = kv_cursor_open(txn, STATE_FACTS, &cursor);
	if (rc < 0)
		return rc;
	rc = kv_seek(cursor, slice_of(&prefix, 1), &key, &stored);
	while (rc == 0 && key.ptr[0] == prefix) {
		rc = fact_decode(stored, &fact);
		if (rc == 0)
			rc = each(ctx, &fact);
		if (rc < 0)
			break;
		rc = kv_next(cursor, &key, &stored);
		if (rc == ERR_MISSING) {
			rc = 0;
			break;
		}
	}
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? 0 : rc;
}
