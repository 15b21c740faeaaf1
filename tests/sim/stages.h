/*
 * stages - the agent's stages that read no files (ship, inventory, packages, report), as far as the
 * others need them; behind ship stands the collector.
 */
#ifndef TSUJIBAN_TESTS_SIM_STAGES_H
#define TSUJIBAN_TESTS_SIM_STAGES_H

#include "common/base/slice.h"

/* What the collector has stored: encoded events, the first with sequence number 1. */
struct collector {
	struct slice *event;
	size_t count, room;
};
extern struct collector COLLECTOR;

void collector_begin(void);

#endif
