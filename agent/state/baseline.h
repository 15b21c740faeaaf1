/*
 * baseline - the last known state of every watched path.
 *
 * What texts.h keeps of a path goes and moves with it.
 *
 * Reads take any transaction, writes the agent's write transaction. States are borrowed from the
 * store: valid until the transaction ends or is next written to.
 *
 * Errors   0 or negative: ERR_MISSING, ERR_LIMIT (path too long), ERR_FORMAT, store errors.
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_AGENT_STATE_BASELINE_H
#define TSUJIBAN_AGENT_STATE_BASELINE_H

#include "agent/state/state.h"
#include "common/model/filestate.h"

int baseline_get(struct kv_txn *txn, struct slice path, struct filestate *out);
int baseline_put(struct state_txn *txn, struct slice path, const struct filestate *state);
int baseline_remove(struct state_txn *txn, struct slice path);
uint64_t baseline_count(struct kv_txn *txn);

/*
 * The entries of directory `dir`, by name in byte order, without what lies deeper:
 *	rc = baseline_entries_open(txn, dir, &entries);
 *	while (rc == 0 && (rc = baseline_entries_next(entries, &name, &state)) == 0)
 *		…
 */
struct baseline_entries;
int baseline_entries_open(struct kv_txn *txn, struct slice dir, struct baseline_entries **out);
/* ERR_MISSING at the end. */
int baseline_entries_next(
        struct baseline_entries *entries, struct slice *out_name, struct filestate *out);
void baseline_entries_close(struct baseline_entries *entries);

/* Everything below `dir` at any depth, itself not included, in no promised order. A negative answer
 * of `each` stops it and is returned. `each` must not write. */
int baseline_each_below(struct kv_txn *txn, struct slice dir,
        int (*each)(void *ctx, struct slice path, const struct filestate *state), void *ctx);
/* The same with what lies in a directory before the directory itself (but for directories whose
 * path is longer than PATHKEY_DIR_MAX: those come in no promised order among themselves). */
int baseline_each_below_backwards(struct kv_txn *txn, struct slice dir,
        int (*each)(void *ctx, struct slice path, const struct filestate *state), void *ctx);
/* Removes everything below `dir`, itself not included. */
int baseline_remove_below(struct state_txn *txn, struct slice dir);
/* Gives everything below `old_dir` its path below `new_dir`; what stood below new_dir before is
 * replaced where names meet. */
int baseline_move_below(struct state_txn *txn, struct slice old_dir, struct slice new_dir);

#endif
