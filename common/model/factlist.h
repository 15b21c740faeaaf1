/*
 * factlist - facts that grow in an arena: what one reading of a source finds.
 *
 * Owner    the arena has it all; nothing is freed by itself.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_COMMON_MODEL_FACTLIST_H
#define TSUJIBAN_COMMON_MODEL_FACTLIST_H

#include "common/model/fact.h"

struct fact_list {
	struct arena *arena;
	struct fact *fact;
	size_t count, room;
};

/* Copies the fact and its fields. ERR_LIMIT when the arena is full. */
int fact_list_add(struct fact_list *list, const struct fact *fact);

#endif
