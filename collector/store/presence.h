/*
 * presence - whether a host is heard of: a record for each host that has ever been connected.
 *
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_PRESENCE_H
#define TSUJIBAN_COLLECTOR_STORE_PRESENCE_H

#include "collector/store/store.h"

enum presence_state {
	PRESENCE_HERE = 1,   /* had a session when this was written */
	PRESENCE_AWAY = 2,   /* its last session ended */
	PRESENCE_SILENT = 3, /* … and an event has told that it did not come back */
};

#define PRESENCE_ADDRESS_BYTES 64

struct presence {
	enum presence_state state;
	int64_t heard_ns;                     /* when it was heard of last; 0 while it is here */
	char address[PRESENCE_ADDRESS_BYTES]; /* of its last session; empty: unknown */
};

/* ERR_MISSING: the host has never been connected. */
int presence_get(struct kv_txn *txn, uint32_t host, struct presence *out);
int presence_put(struct kv_txn *txn, uint32_t host, const struct presence *presence);

#endif
