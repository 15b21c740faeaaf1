/*
 * appbook - which files were looked at for application packages, and what they said: so that a file
 * that has not changed is not opened again.
 *
 *   record, in table `apps`, by pathkey of the file
 *   1 byte   version (1)
 *   1 byte   flags; 1: the file as it is now could not be understood, the facts are of before
 *   4 bytes  reader: stands for the program that read it; another one reads it again
 *   8 bytes  size; then 8 each: mtime and ctime (ns since 1970), inode, device
 *   2 bytes  length of the path; 0 unless pathkey_is_short(path)
 *   …        the path
 *   4 bytes  number of facts; 0 for a file that is no package's after all
 *   …        the facts, each as varint length and fact_encode
 *
 * Numbers are big endian.
 *
 * Errors   0 or negative: ERR_MISSING, ERR_FORMAT, ERR_VERSION, the store's.
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_AGENT_STATE_APPBOOK_H
#define TSUJIBAN_AGENT_STATE_APPBOOK_H

#include "agent/state/state.h"
#include "common/model/fact.h"

struct app_stamp {
	uint64_t size;
	int64_t mtime_ns, ctime_ns;
	uint64_t inode, device;
};

struct app_record {
	struct app_stamp stamp;
	uint32_t reader;
	bool is_damaged;
	uint32_t count;
	struct slice facts; /* appbook_append_fact, `count` times */
};

bool app_stamp_equal(const struct app_stamp *a, const struct app_stamp *b);

/* Borrowed from the store, as kv_get. */
int appbook_get(struct kv_txn *txn, struct slice path, struct app_record *out);
int appbook_put(struct state_txn *txn, struct slice path, const struct app_record *record);
/* Fine when there is none. */
int appbook_remove(struct state_txn *txn, struct slice path);
uint64_t appbook_count(struct kv_txn *txn);

/* Every record of `path` itself and of what lies below it; of all with an absent one. A negative
 * answer of `each` stops it and is returned. `each` must not write. */
int appbook_each(struct kv_txn *txn, struct slice path,
        int (*each)(void *ctx, struct slice path, const struct app_record *record), void *ctx);

void appbook_append_fact(struct buf *facts, const struct fact *fact);
/* Takes the first from `*facts`, borrowed; ERR_MISSING at the end. */
int appbook_take_fact(struct slice *facts, struct fact *out);

#endif
