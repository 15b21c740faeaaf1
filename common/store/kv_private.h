/*
 * kv_private - what the files of the store share.
 *
 *   kv.c       transactions, records, cursors
 *   kv_open.c  opening, closing, and what a store at rest need not hold
 */
#ifndef TSUJIBAN_COMMON_STORE_KV_PRIVATE_H
#define TSUJIBAN_COMMON_STORE_KV_PRIVATE_H

#include <lmdb.h>
#include <pthread.h>

#include "common/store/kv.h"

struct kv {
	MDB_env *env; /* NULL: could not be opened anew; the next transaction tries again */
	MDB_dbi main; /* LMDB's own table: the names of the others */
	MDB_dbi table[KV_TABLE_MAX];
	size_t table_count;
	size_t page_bytes;
	/* As it was opened. */
	char *dir;
	const char *table_name[KV_TABLE_MAX + 1];
	size_t map_bytes;
	bool is_read_only;

	pthread_mutex_t users; /* guards what follows, and env while it is opened anew */
	unsigned transactions; /* under way, without nested ones */
	bool is_swollen;       /* holds the page buffers of a large transaction */
	uint8_t *map; /* where LMDB has mapped the file; NULL when that could not be found out */
};

struct kv_txn {
	struct kv *kv;
	struct kv_txn *parent;
	MDB_txn *mdb;
	unsigned writes;
};

int kv_code_of(int mdb_rc);
/* Of a top-level transaction: before it begins (0, or LMDB's code), and after it has ended. */
int kv_enter(struct kv *kv);
void kv_leave(struct kv *kv, unsigned writes);

#endif
