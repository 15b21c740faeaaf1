/*
 * store - the agent's store in memory, behind common/store/kv.h: what was committed stays when the
 * agent is killed.
 */
#ifndef TSUJIBAN_TESTS_SIM_STORE_H
#define TSUJIBAN_TESTS_SIM_STORE_H

#include "common/store/kv.h"

/* An empty disk. */
void store_begin(void);
/* The agent is gone; its transactions never were. */
void store_forget_writer(void);

#endif
