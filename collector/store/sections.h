/*
 * sections - the facts of a host by section, for state sync: what they add up to, what their
 * buckets are, and buckets put in place of others. common/model/section.h has the words.
 *
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_SECTIONS_H
#define TSUJIBAN_COLLECTOR_STORE_SECTIONS_H

#include "collector/store/store.h"
#include "common/model/factlist.h"
#include "common/model/section.h"

/* A fact of the host is about to change. Absent slices: there was, or will be, none. */
int sections_change(struct kv_txn *txn, uint32_t host, enum fact_kind kind, struct slice before,
        struct slice after);
int sections_root(struct kv_txn *txn, uint32_t host, uint8_t out[SECTION_ROOT_BYTES]);
int sections_count(struct kv_txn *txn, uint32_t host, enum fact_kind kind, uint64_t *out);
/* The sums are forgotten along with the facts. */
int sections_clear(struct kv_txn *txn, uint32_t host);

/* Appends the digests of the host's buckets. */
int sections_digests(struct kv_txn *txn, uint32_t host, enum fact_kind kind, unsigned bucket_count,
        struct buf *out);
/* Puts `facts` in place of what the host has in those buckets of the section. */
int sections_replace(struct kv_txn *txn, uint32_t host, enum fact_kind kind, unsigned bucket_count,
        const bool is_replaced[SECTION_BUCKETS_MAX], const struct fact *facts, size_t count);

#endif
