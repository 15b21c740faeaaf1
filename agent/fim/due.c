#include "agent/fim/due.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"

void due_fini(struct due_heap *heap)
{
	free(heap->due);
	*heap = (struct due_heap){0};
}

void due_set(struct due_heap *heap, struct due *due, uint64_t at_ms)
{
	assert(due->place == 0);
	if (due->at_ms == at_ms && due->turn > 0)
		return;
	due->at_ms = at_ms;
	due->turn = ++heap->turns;
}

static bool is_before(const struct due *a, const struct due *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->turn < b->turn;
}

/* Places count from 1: the children of n are 2n and 2n + 1. */
static struct due *at(const struct due_heap *heap, size_t place)
{
	return heap->due[place - 1];
}

static void put(struct due_heap *heap, struct due *due, size_t place)
{
	heap->due[place - 1] = due;
	due->place = place;
}

static void move_up(struct due_heap *heap, struct due *due)
{
	size_t place = due->place;
	for (; place > 1 && is_before(due, at(heap, place / 2)); place /= 2)
		put(heap, at(heap, place / 2), place);
	put(heap, due, place);
}

static void move_down(struct due_heap *heap, struct due *due)
{
	size_t place = due->place;
	for (;;) {
		size_t child = 2 * place;
		if (child > heap->count)
			break;
		if (child < heap->count && is_before(at(heap, child + 1), at(heap, child)))
			child++;
		if (!is_before(at(heap, child), due))
			break;
		put(heap, at(heap, child), place);
		place = child;
	}
	put(heap, due, place);
}

void due_add(struct due_heap *heap, struct due *due)
{
	assert(due->place == 0);
	if (heap->count == heap->cap) {
		heap->cap = heap->cap ? heap->cap * 2 : 64;
		heap->due = mem_resize(heap->due, heap->cap * sizeof(struct due *));
	}
	put(heap, due, ++heap->count);
	move_up(heap, due);
}

void due_remove(struct due_heap *heap, struct due *due)
{
	size_t place = due->place;
	if (place == 0)
		return;
	struct due *last = at(heap, heap->count--);
	due->place = 0;
	if (last == due)
		return;
	put(heap, last, place);
	move_up(heap, last);
	move_down(heap, last);
}

struct due *due_first(const struct due_heap *heap)
{
	return heap->count > 0 ? heap->due[0] : NULL;
}
