/*
 * kv - an ordered, transactional, crash-safe store of keys and values: LMDB, seen from outside.
 *
 * The only place where LMDB names stand. One writer at a time, readers that never block it.
 *
 * Life     kv_open -> transactions -> kv_close. A committed transaction survives kill -9 and loss
 *          of power. A process opens a directory once at a time (the file locks are the
 *          process's) and does not use it across fork(2).
 * Owner    slices that get and cursors return point into the map: valid until the transaction ends
 *          or, in a write transaction, until the next write in it.
 * Units    keys are 1 to KV_KEY_MAX bytes and sort as bytes.
 * Errors   0 or negative: ERR_MISSING, -ENOSPC (disk or map full), -EIO, ERR_STORE, …; after a
 *          failed put or commit the transaction is to be aborted (commit: is gone).
 * Thread   a transaction belongs to the thread that began it. A write transaction blocks until no
 *          other is open, in this process or another.
 */
#ifndef TSUJIBAN_COMMON_STORE_KV_H
#define TSUJIBAN_COMMON_STORE_KV_H

#include "common/base/err.h"
#include "common/base/slice.h"

#define KV_KEY_MAX   511
#define KV_TABLE_MAX 16

struct kv;
struct kv_txn;

/* Opens or makes the store in directory `dir` (which exists). `tables` names the tables, ended by
 * NULL, at most KV_TABLE_MAX, in texts that live as long as the store; they are addressed by
 * position. `map_bytes` bounds the store's size. `read_only` opens an existing store for reading
 * beside its running writer. */
int kv_open(const char *dir, const char *const *tables, size_t map_bytes, bool read_only,
        struct kv **out, struct reason *out_why);
void kv_close(struct kv *kv);
/* Gives the pages that reading has touched back to the page cache (MADV_DONTNEED), so that a scan
 * of everything does not count as this process's memory. */
void kv_release_pages(struct kv *kv);
/* The same, and gives back the memory that a large write transaction has left behind, if nobody is
 * in a transaction at this moment. */
void kv_rest(struct kv *kv);
/* Pages in use, in bytes. */
uint64_t kv_size(struct kv *kv);
/* Pages that hold nothing any more, but may still have the bytes of what they once held. */
uint64_t kv_free_pages(struct kv *kv);
/* A value of so many bytes has one page to itself, and fills it. */
size_t kv_page_value_bytes(struct kv *kv);

int kv_begin_read(struct kv *kv, struct kv_txn **out);
int kv_begin_write(struct kv *kv, struct kv_txn **out);
/* A step of a write transaction that can be taken back alone. */
int kv_begin_nested(struct kv_txn *parent, struct kv_txn **out);
/* Durable when it returns 0. */
int kv_commit(struct kv_txn *txn);
void kv_abort(struct kv_txn *txn);

int kv_get(struct kv_txn *txn, unsigned table, struct slice key, struct slice *out);
int kv_put(struct kv_txn *txn, unsigned table, struct slice key, struct slice value);
/* The key is behind every other: cheaper. -EEXIST when it is not. */
int kv_append(struct kv_txn *txn, unsigned table, struct slice key, struct slice value);
/* ERR_MISSING when there is none. */
int kv_delete(struct kv_txn *txn, unsigned table, struct slice key);
uint64_t kv_count(struct kv_txn *txn, unsigned table);

/*
 * Cursors walk one table in key order. A cursor is closed before its transaction ends.
 *
 *	for (rc = kv_seek(cursor, from, &key, &value); rc == 0; rc = kv_next(cursor, &key, &value))
 *
 * seek finds the first key that is equal or greater (the empty key: the first of all); first, last,
 * next and prev do what they say; all return ERR_MISSING at the end.
 */
struct kv_cursor;
int kv_cursor_open(struct kv_txn *txn, unsigned table, struct kv_cursor **out);
void kv_cursor_close(struct kv_cursor *cursor);
int kv_seek(
        struct kv_cursor *cursor, struct slice key, struct slice *out_key, struct slice *out_value);
int kv_first(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value);
int kv_last(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value);
int kv_next(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value);
int kv_prev(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value);
/* Deletes the record that the cursor stands on; next then gives the one behind it. */
int kv_delete_here(struct kv_cursor *cursor);

#endif
