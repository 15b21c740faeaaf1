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
/* ERR_FORMAT when their digest is another, or `facts` are not in key order, each key once. */
int buckets_put(struct kv_txn *txn, enum fact_kind kind, struct slice digest,
        const struct fact *facts, size_t count, int64_t now_ns);
/* Forgets those that were not used since `before_ns`. */
int buckets_purge(struct kv_txn *txn, int64_t before_ns);

#endif
