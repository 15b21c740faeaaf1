/*
 * hostfacts - the facts of the picture. Private to collector/store: picture.h has the public half.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_HOSTFACTS_H
#define TSUJIBAN_COLLECTOR_STORE_HOSTFACTS_H

#include "collector/store/picture.h"

/* The record alone: the caller keeps the section's sum. */
int hostfacts_put(struct kv_txn *txn, uint32_t host, const struct fact *fact);
int hostfacts_apply(struct kv_txn *txn, uint32_t host, const struct event *event);

#endif
