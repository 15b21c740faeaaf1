/*
 * hostkey - keys that begin with a host's number, so that what belongs to a host is one range.
 *
 * Private to collector/store.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_HOSTKEY_H
#define TSUJIBAN_COLLECTOR_STORE_HOSTKEY_H

#include "collector/store/store.h"
#include "common/base/buf.h"

/* Empties `key` and begins it with the host's number, with room for the rest of any key. */
static inline void hostkey_begin(struct buf *key, uint32_t host)
{
	buf_reset(key);
	buf_reserve(key, KV_KEY_MAX);
	buf_append_u32(key, host);
}

/* What stands behind the host's number. */
static inline struct slice hostkey_rest(struct slice key)
{
	return key.len < STORE_HOST_ID_BYTES
	               ? slice_of(key.ptr, 0)
	               : slice_of(key.ptr + STORE_HOST_ID_BYTES, key.len - STORE_HOST_ID_BYTES);
}

/* Big endian, as in keys. */
static inline void hostkey_put_u32(uint8_t *at, uint32_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

static inline void hostkey_put_u64(uint8_t *at, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

/* Deletes every record of the table whose key begins with `prefix`. */
int hostkey_delete_all(struct kv_txn *txn, unsigned table, struct slice prefix);

#endif
