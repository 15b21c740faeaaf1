/*
 * texts - what the files said that changes are to be shown of: a copy by path, written in the
 * transaction that writes the path's baseline.
 *
 *   record, in table `texts`, by pathkey
 *   1 byte   version (1)
 *   1 byte   1 a text; 2 no text, of which nothing is kept
 *   32 bytes sha256 of the content
 *   2 bytes  length of the path, big endian; 0 unless pathkey_is_short(path)
 *   …        the path
 *   …        the content as one zstd frame (pack.h); nothing for what is no text
 *
 * The baseline's own functions take copies away and along (baseline_remove, _remove_below,
 * _move_below): there is none of a path that the baseline does not know.
 *
 * Errors   0 or negative: ERR_MISSING, ERR_FORMAT, ERR_VERSION, the store's.
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_AGENT_STATE_TEXTS_H
#define TSUJIBAN_AGENT_STATE_TEXTS_H

#include "agent/state/state.h"

struct text_copy {
	bool is_text;
	uint8_t sha256[SHA256_BYTES];
	struct slice packed; /* absent unless it is a text */
};

/* Borrowed from the store, as baseline_get. */
int texts_get(struct kv_txn *txn, struct slice path, struct text_copy *out);
/* Touches no page of the copy itself. */
bool texts_has(struct kv_txn *txn, struct slice path);
int texts_put(struct state_txn *txn, struct slice path, const struct text_copy *copy);
/* Fine when there is none. */
int texts_remove(struct state_txn *txn, struct slice path);
/* `to` has afterwards what `from` had, and nothing if that is nothing. */
int texts_move(struct state_txn *txn, struct slice from, struct slice to);
uint64_t texts_count(struct kv_txn *txn);

/* Removes, of everything below `dir`, the copies that `may_stay` (NULL: none) says no to, and
 * writes zeros over them first: what is left of a page does not keep them. Returns how many, or
 * negative. */
int64_t texts_purge_below(struct state_txn *txn, struct slice dir,
        bool (*may_stay)(void *ctx, struct slice path), void *ctx);

/* Writes zeros over the store's free pages, TEXTS_WIPE_PAGES at most: a store that copies on write
 * leaves there what was removed. Some transactions of its own; to be called when nobody writes.
 * Not reached: what LMDB leaves of small records in the gaps of pages that were once divided. */
#define TEXTS_WIPE_PAGES 65536
int texts_wipe(struct state *state, struct reason *out_why);

#endif
