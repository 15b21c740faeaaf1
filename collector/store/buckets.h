/*
 * buckets - facts by what they are: each bucket that some host has shown, so that no other host has
 * to show it again.
 *
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_BUCKETS_H
#define TSUJIBAN_COLLECTOR_STORE_BUCKETS_H

#include "collector/store/store.h"
#include "common/model/factlist.h"
#include "common/model/section.h"

#define BUCKETS_KEPT_NS (INT64_C(30) * 86400 * 1000000000) /* without being used */

/* Adds its facts, copied. ERR_MISSING: nobody has shown it. The digest of nothing is always
 * known. */
int buckets_get(struct kv_txn *txn, enum fact_kind kind, struct slice digest, int64_t now_ns,
        struct fact_list *out);
/* Who shows it, and what it may have shown in all (0: no limit). */
struct bucket_owner {
	uint32_t host;
	uint64_t limit_bytes;
};
/* ERR_FORMAT when their digest is another, or `facts` are not in key order, each key once;
 * ERR_LIMIT when it is new and the owner has shown too much. */
int buckets_put(struct kv_txn *txn, enum fact_kind kind, struct slice digest,
        const struct fact *facts, size_t count, const struct bucket_owner *owner, int64_t now_ns);
/* Forgets those that were not used since `before_ns`. */
int buckets_purge(struct kv_txn *txn, int64_t before_ns);

#endif
