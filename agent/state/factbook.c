/*
 * In the meta table, "facts KIND" or "facts KIND FIRST" stands for each scope that was reported at
 * least once: until then all its facts are a first sight.
 */
#include "agent/state/factbook.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/state/spool.h"
#include "agent/state/state_private.h"
#include "common/base/mem.h"

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
};

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

/* The record that is held now is behind `before`, which is borrowed from the store: the event is
 * written first. */
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

static int sync_scope(struct sync *sync, const struct fact_scope *scope, const struct fact *facts,
        size_t count, enum event_cause cause)
{
	char name[64];
	struct slice value;
	snprintf(name, sizeof(name), "facts %s%s%s", fact_kind_name(scope->kind),
	        scope->first ? " " : "", scope->first ? scope->first : "");
	int rc = state_meta_get(sync->txn->kv, name, &value);
	if (rc < 0 && rc != ERR_MISSING)
		return rc;
	bool is_first = rc == ERR_MISSING;
	sync->cause = is_first ? CAUSE_BASELINE : cause;
	gather(sync, scope, facts, count);
	rc = remove_gone(sync, scope);
	if (rc == 0)
		rc = put_held(sync);
	if (rc == 0 && is_first)
		rc = state_meta_put(sync->txn, name, slice_text("1"));
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
	return rc < 0 ? rc : sync.events;
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
