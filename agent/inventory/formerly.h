/*
 * formerly - tells of what has to be restarted which version it runs: the one that its package had
 * when the process started, known from upgrades that the agent has seen (agent/state/former.h).
 *
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_AGENT_INVENTORY_FORMERLY_H
#define TSUJIBAN_AGENT_INVENTORY_FORMERLY_H

#include "agent/state/state.h"
#include "common/model/factlist.h"

/* Before `facts` are written: of packages whose version differs from the one that was last reported
 * the former one is kept. It ended when the package manager says that the new one was installed,
 * else at `now_ns`. */
int formerly_keep(struct state_txn *txn, const struct fact_list *facts, int64_t now_ns);
/* Fills RESTART_RUNS; of RESTART_SINCE the whole minutes stay. */
int formerly_tell(struct state_txn *txn, struct fact_list *facts);

#endif
