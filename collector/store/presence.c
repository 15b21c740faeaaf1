/*
 * The table `presence`: key is host id (4, big endian), value
 *
 *   1   version (1)
 *   1   state, see presence.h
 *   8   heard_ns, big endian
 *   …   address: varint length and bytes
 */
#include "collector/store/presence.h"

#include <string.h>

#include "collector/store/hostkey.h"
#include "collector/store/labels.h"

#define RECORD_VERSION 1

static struct slice host_key(uint32_t host, uint8_t out[STORE_HOST_ID_BYTES])
{
	hostkey_put_u32(out, host);
	return slice_of(out, STORE_HOST_ID_BYTES);
}

int presence_get(struct kv_txn *txn, uint32_t host, struct presence *out)
{
	uint8_t key[STORE_HOST_ID_BYTES], version, state;
	struct slice record, address;
	uint64_t heard_ns;
	int rc = kv_get(txn, STORE_PRESENCE, host_key(host, key), &record);

	if (rc < 0)
		return rc;
	if (!slice_take_byte(&record, &version))
		return ERR_FORMAT;
	if (version > RECORD_VERSION)
		return ERR_VERSION;
	if (!slice_take_byte(&record, &state) || state < PRESENCE_HERE || state > PRESENCE_SILENT ||
	        !slice_take_u64(&record, &heard_ns) || !labels_take_text(&record, &address) ||
	        address.len >= sizeof(out->address))
		return ERR_FORMAT;
	*out = (struct presence){
	        .state = (enum presence_state)state, .heard_ns = (int64_t)heard_ns};
	if (address.len > 0)
		memcpy(out->address, address.ptr, address.len);
	return 0;
}

int presence_put(struct kv_txn *txn, uint32_t host, const struct presence *presence)
{
	uint8_t key[STORE_HOST_ID_BYTES];
	struct buf record = BUF_INIT;
	int rc;

	buf_append_byte(&record, RECORD_VERSION);
	buf_append_byte(&record, (uint8_t)presence->state);
	buf_append_u64(&record, (uint64_t)presence->heard_ns);
	labels_append_text(&record, slice_text(presence->address));
	rc = kv_put(txn, STORE_PRESENCE, host_key(host, key), buf_slice(&record));
	buf_fini(&record);
	return rc;
}
