/*
 * run - one run of a plan: who goes on next is chosen by the seed, step by step, until nothing is
 * left to do.
 */
#ifndef TSUJIBAN_TESTS_SIM_RUN_H
#define TSUJIBAN_TESTS_SIM_RUN_H

#include "tests/sim/ops.h"

struct run_result {
	bool has_failed;
	uint64_t steps;
	size_t events;
	size_t restarts;
	struct buf report; /* of a failed run */
};

/* The operations that `skips` (may be NULL) marks are left out. */
void run_plan(uint64_t seed, const bool *skips, bool is_tracing, struct run_result *out);
size_t run_plan_size(uint64_t seed);

#endif
