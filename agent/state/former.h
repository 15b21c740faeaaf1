/*
 * former - which versions packages had before, and until when: what a process that was started then
 * still runs.
 *
 * A package is named as facts of other kinds name it: "dpkg:libssl3". Of each the last FORMER_MOST
 * versions are kept.
 *
 * Errors   the store's.
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_AGENT_STATE_FORMER_H
#define TSUJIBAN_AGENT_STATE_FORMER_H

#include "agent/state/state.h"

#define FORMER_MOST 8

/* Until `until_s` (since 1970) it had this version; of several architectures it is kept once. Names
 * and versions too long to be real are passed over. */
int former_add(struct state_txn *txn, struct slice package, struct slice version, uint64_t until_s);
/* The version that it had at `at_s`; ERR_MISSING: the one that it has now, as far as is known.
 * Borrowed from the store. */
int former_at(struct kv_txn *txn, struct slice package, uint64_t at_s, struct slice *out);

#endif
