/*
 * picture - the collector's picture of each host: its files and its facts as its events have told
 * them.
 *
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_PICTURE_H
#define TSUJIBAN_COLLECTOR_STORE_PICTURE_H

#include "collector/store/store.h"
#include "common/model/event.h"

/* Whether the picture can hold the event: ERR_FORMAT or ERR_LIMIT for paths that cannot be keys
 * (pathkey.h). What arrives is checked with this before it is stored, so that picture_apply fails
 * for the store's reasons only. */
int picture_check(const struct event *event, struct reason *out_why);
/* What the event says becomes the picture: created, modified, attributes and baseline set a file;
 * deleted removes it (a directory with everything below); moved takes a directory's content along;
 * retired removes path and all below; facts likewise. gap, degraded and the like change nothing. */
int picture_apply(struct kv_txn *txn, uint32_t host, const struct event *event);
/* Forgets everything of the host: a new stream begins. */
int picture_clear(struct kv_txn *txn, uint32_t host);

/*
 * Files whose path is `prefix` or lies below it ("" or "/": all), continued behind a key:
 * `*cursor` is an empty buf at first; each call gives at most `most` files to `each` and leaves in
 * it where to go on. Order is that of path keys. 1: more to come; 0: done.
 */
int picture_files(struct kv_txn *txn, uint32_t host, struct slice prefix, struct buf *cursor,
        size_t most, int (*each)(void *ctx, struct slice path, const struct filestate *state),
        void *ctx);
/* ERR_MISSING when there is none. Slices borrow from the store. */
int picture_file(struct kv_txn *txn, uint32_t host, struct slice path, struct filestate *out);
/* Walks the host's files: not for every request of a listing. */
uint64_t picture_count_files(struct kv_txn *txn, uint32_t host);
/* Facts of a host of one kind (0: any), in key order. */
int picture_facts(struct kv_txn *txn, uint32_t host, unsigned kind,
        int (*each)(void *ctx, const struct fact *fact), void *ctx);
/* The same by pieces, as picture_files. */
int picture_facts_from(struct kv_txn *txn, uint32_t host, unsigned kind, struct buf *cursor,
        size_t most, int (*each)(void *ctx, const struct fact *fact), void *ctx);
/* The host's fact that has the key of `like`; ERR_MISSING when there is none. Borrows from the
 * store. */
int picture_fact(struct kv_txn *txn, uint32_t host, const struct fact *like, struct fact *out);

#endif
