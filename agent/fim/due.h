/*
 * due - what waits for its moment: a heap that its members stand in by themselves.
 *
 * Of two with one moment the one comes first whose moment was set first.
 *
 * Life     {0} -> set*, remove* -> due_fini (the members are the caller's).
 * Thread   one at a time. Time is a number to it.
 */
#ifndef TSUJIBAN_AGENT_FIM_DUE_H
#define TSUJIBAN_AGENT_FIM_DUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due {
	uint64_t at_ms;
	uint64_t turn;
	size_t place; /* in the heap, from 1; 0: not in it */
};

struct due_heap {
	struct due **due;
	size_t count;
	size_t cap;
	uint64_t turns;
};

void due_fini(struct due_heap *heap);

/* Changes the moment of one that is not in the heap. */
void due_set(struct due_heap *heap, struct due *due, uint64_t at_ms);
void due_add(struct due_heap *heap, struct due *due);
/* Fine when it is not in the heap. */
void due_remove(struct due_heap *heap, struct due *due);
/* The first to come; NULL when it is empty. */
struct due *due_first(const struct due_heap *heap);

#endif
