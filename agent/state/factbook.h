/*
 * factbook - the facts that were last reported of this host.
 *
 * Errors   the store's and the spool's.
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_AGENT_STATE_FACTBOOK_H
#define TSUJIBAN_AGENT_STATE_FACTBOOK_H

#include "agent/state/state.h"

/* The facts of one kind whose first field is `first`; NULL: all of the kind. Scopes of one kind are
 * disjoint. */
struct fact_scope {
	enum fact_kind kind;
	const char *first;
};

/*
 * `facts` is all that holds now in the scopes; facts beyond them are not looked at. What is new,
 * changed or gone is written to the facts table and told in the spool (installed, upgraded,
 * removed), in one go; equal facts cost nothing. Two facts with one key: the last one counts.
 * `cause` is the events' cause. A scope that was never reported before is not told fact by fact:
 * one event says how many there are, and state sync (section.h) carries them; labels alone are told
 * with CAUSE_BASELINE. Returns the number of events, or negative.
 */
int factbook_sync(struct state_txn *txn, const struct fact_scope *scopes, size_t scope_count,
        const struct fact *facts, size_t count, enum event_cause cause, int64_t now_ns);

/*
 * The same for those who know what differs, one fact at a time: who reads a great many never has
 * all of them in memory.
 *
 * What is held and what is dropped is written and told; of no other fact anything is said. Facts
 * of no given scope are refused (ERR_FORMAT). The end says that the scopes have been reported with
 * all that is in them: nothing but the first sight of a scope needs that, and it has to be whole.
 *
 * Life     factbook_edit_begin -> hold*, drop* -> factbook_edit_end, which frees it. After a
 *          negative answer of any, the transaction is to be aborted (and the edit still ended).
 */
struct factbook_edit;
/* `scopes` outlive the edit; at most FACTBOOK_EDIT_SCOPES. */
#define FACTBOOK_EDIT_SCOPES 16
struct factbook_edit *factbook_edit_begin(struct state_txn *txn, const struct fact_scope *scopes,
        size_t scope_count, enum event_cause cause, int64_t now_ns);
int factbook_edit_hold(struct factbook_edit *edit, const struct fact *fact);
/* Fine when there is none with its key. */
int factbook_edit_drop(struct factbook_edit *edit, const struct fact *fact);
/* The number of events, or negative. */
int factbook_edit_end(struct factbook_edit *edit);

/* What all the facts add up to (section_root), and the number of the last event that came with a
 * change of them; 0: none did. */
int factbook_root(struct kv_txn *txn, uint8_t out[SECTION_ROOT_BYTES], uint64_t *out_changed_seq);
/* How many facts of one kind there are. */
uint64_t factbook_count(struct kv_txn *txn, enum fact_kind kind);

/* The fact that has the key of `like`; ERR_MISSING: there is none. Borrowed from the store. */
int factbook_find(struct kv_txn *txn, const struct fact *like, struct fact *out);
/* Every fact of one kind in key order; a negative answer of `each` stops it. */
int factbook_each(struct kv_txn *txn, enum fact_kind kind,
        int (*each)(void *ctx, const struct fact *fact), void *ctx);

#endif
