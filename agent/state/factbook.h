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
 * `cause` is the events' cause; CAUSE_BASELINE is used by itself for a scope that was never
 * reported before. Returns the number of events, or negative.
 */
int factbook_sync(struct state_txn *txn, const struct fact_scope *scopes, size_t scope_count,
        const struct fact *facts, size_t count, enum event_cause cause, int64_t now_ns);

/* Every fact of one kind in key order; a negative answer of `each` stops it. */
int factbook_each(struct kv_txn *txn, enum fact_kind kind,
        int (*each)(void *ctx, const struct fact *fact), void *ctx);

#endif
