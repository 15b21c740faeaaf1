/*
 * tries - how often in a row something was tried, and since when, by path: files that change while
 * they are read.
 *
 * Life     a NULL pointer is an empty table -> add*, forget* -> tries_free.
 * Owner    owns copies of the paths; holds those only that failed the last time.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_FIM_TRIES_H
#define TSUJIBAN_AGENT_FIM_TRIES_H

#include "common/base/slice.h"

struct tries;

struct tried {
	unsigned count;
	uint64_t since_ms; /* when the first of them was added */
};

/* One more; how many there are now. */
struct tried tries_add(struct tries **tries, struct slice path, uint64_t now_ms);
void tries_forget(struct tries **tries, struct slice path);
void tries_free(struct tries **tries);

#endif
