/*
 * The table `facts`: key is the host id (4, big endian) and fact_key(fact), value is
 * fact_encode(fact); both are common/model/fact.h's.
 */
#include "collector/store/hostfacts.h"

#include "collector/store/hostkey.h"
#include "collector/store/sections.h"

static void key_of(uint32_t host, const struct fact *fact, struct buf *out)
{
	uint8_t rest[FACT_KEY_MAX];

	hostkey_begin(out, host);
	buf_append(out, rest, fact_key(fact, rest));
}

int hostfacts_put(struct kv_txn *txn, uint32_t host, const struct fact *fact)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	int rc;

	key_of(host, fact, &key);
	fact_encode(fact, &value);
	rc = kv_put(txn, STORE_FACTS, buf_slice(&key), buf_slice(&value));
	buf_fini(&key);
	buf_fini(&value);
	return rc;
}

/* The sum first: writing moves what was read from the store. */
static int forget(struct kv_txn *txn, uint32_t host, const struct fact *fact)
{
	struct buf key = BUF_INIT;
	struct slice stored;
	int rc;

	key_of(host, fact, &key);
	rc = kv_get(txn, STORE_FACTS, buf_slice(&key), &stored);
	if (rc == 0)
		rc = sections_change(txn, host, fact->kind, stored, (struct slice){0});
	if (rc == 0)
		rc = kv_delete(txn, STORE_FACTS, buf_slice(&key));
	buf_fini(&key);
	return rc == ERR_MISSING ? 0 : rc;
}

static int remember(struct kv_txn *txn, uint32_t host, const struct fact *fact)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	struct slice stored = {0};
	int rc;

	key_of(host, fact, &key);
	fact_encode(fact, &value);
	rc = kv_get(txn, STORE_FACTS, buf_slice(&key), &stored);
	if (rc == 0 && slice_equal(stored, buf_slice(&value)))
		goto fini;
	if (rc == 0 || rc == ERR_MISSING)
		rc = sections_change(txn, host, fact->kind, rc == 0 ? stored : (struct slice){0},
		        buf_slice(&value));
	if (rc == 0)
		rc = kv_put(txn, STORE_FACTS, buf_slice(&key), buf_slice(&value));
fini:
	buf_fini(&key);
	buf_fini(&value);
	return rc;
}

/* before and after of one event have one key (event_check). */
int hostfacts_apply(struct kv_txn *txn, uint32_t host, const struct event *event)
{
	if (event->fact_after)
		return remember(txn, host, event->fact_after);
	return event->fact_before ? forget(txn, host, event->fact_before) : 0;
}

int picture_fact(struct kv_txn *txn, uint32_t host, const struct fact *like, struct fact *out)
{
	struct buf key = BUF_INIT;
	struct slice value;
	int rc;

	key_of(host, like, &key);
	rc = kv_get(txn, STORE_FACTS, buf_slice(&key), &value);
	buf_fini(&key);
	return rc < 0 ? rc : fact_decode(value, out);
}

/* 1 with the key in `at`: `most` were given and there are more. */
static int walk(struct kv_cursor *cursor, struct slice prefix, struct buf *at, size_t most,
        int (*each)(void *ctx, const struct fact *fact), void *ctx)
{
	struct slice key, value;
	struct fact fact;
	int rc = kv_seek(cursor, at->len > 0 ? buf_slice(at) : prefix, &key, &value);

	for (; rc == 0; rc = kv_next(cursor, &key, &value)) {
		if (!slice_starts_with(key, prefix))
			return 0;
		if (most-- == 0) {
			buf_reset(at);
			buf_append_slice(at, key);
			return 1;
		}
		rc = fact_decode(value, &fact);
		if (rc == 0)
			rc = each(ctx, &fact);
		if (rc < 0)
			return rc;
	}
	return rc == ERR_MISSING ? 0 : rc;
}

int picture_facts_from(struct kv_txn *txn, uint32_t host, unsigned kind, struct buf *at,
        size_t most, int (*each)(void *ctx, const struct fact *fact), void *ctx)
{
	struct buf prefix = BUF_INIT;
	struct kv_cursor *cursor;
	int rc;

	hostkey_begin(&prefix, host);
	if (kind != 0)
		buf_append_byte(&prefix, (uint8_t)kind);
	rc = kv_cursor_open(txn, STORE_FACTS, &cursor);
	if (rc == 0) {
		rc = walk(cursor, buf_slice(&prefix), at, most, each, ctx);
		kv_cursor_close(cursor);
	}
	buf_fini(&prefix);
	return rc;
}

int picture_facts(struct kv_txn *txn, uint32_t host, unsigned kind,
        int (*each)(void *ctx, const struct fact *fact), void *ctx)
{
	struct buf at = BUF_INIT;
	int rc = picture_facts_from(txn, host, kind, &at, SIZE_MAX, each, ctx);

	buf_fini(&at);
	return rc;
}
