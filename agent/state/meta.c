#include <assert.h>

#include "agent/state/state.h"
#include "agent/state/state_private.h"

/* Names of others stand behind a '=': the store's own values in this table never meet them. */
static struct slice meta_key(const char *name, uint8_t key[KV_KEY_MAX])
{
	size_t len = strlen(name);
	assert(len < KV_KEY_MAX);
	key[0] = '=';
	memcpy(key + 1, name, len);
	return slice_of(key, len + 1);
}

int state_meta_get(struct kv_txn *txn, const char *name, struct slice *out)
{
	uint8_t key[KV_KEY_MAX];
	return kv_get(txn, STATE_META, meta_key(name, key), out);
}

int state_meta_put(struct state_txn *txn, const char *name, struct slice value)
{
	uint8_t key[KV_KEY_MAX];
	return kv_put(txn->kv, STATE_META, meta_key(name, key), value);
}

int state_meta_delete(struct state_txn *txn, const char *name)
{
	uint8_t key[KV_KEY_MAX];
	return kv_delete(txn->kv, STATE_META, meta_key(name, key));
}

int state_meta_each(struct kv_txn *txn, const char *prefix,
        int (*each)(void *ctx, struct slice name, struct slice value), void *ctx)
{
	uint8_t bytes[KV_KEY_MAX];
	struct slice from = meta_key(prefix, bytes), key, value;
	struct kv_cursor *cursor;
	int rc = kv_cursor_open(txn, STATE_META, &cursor);
	if (rc < 0)
		return rc;
	rc = kv_seek(cursor, from, &key, &value);
	while (rc == 0 && slice_starts_with(key, from)) {
		rc = each(ctx, slice_of(key.ptr + 1, key.len - 1), value);
		if (rc == 0)
			rc = kv_next(cursor, &key, &value);
	}
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? 0 : rc;
}
