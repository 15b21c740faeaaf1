#include "agent/fim/walk_queue.h"

#include <stdlib.h>

#include "common/base/mem.h"

struct walk_item *walk_item_new(enum walk_kind kind, struct slice path, enum event_cause cause)
{
	struct walk_item *item = mem_new(sizeof(*item) + 1 + path.len);
	item->cause = cause;
	item->path_len = path.len;
	item->key[0] = (uint8_t)kind;
	memcpy(item->key + 1, path.ptr, path.len);
	return item;
}

void walk_item_free(struct walk_item *item)
{
	if (!item)
		return;
	free(item->after);
	free(item);
}

static void merge(struct walk_item *into, struct walk_item *item)
{
	into->is_recursive |= item->is_recursive;
	into->with_self |= item->with_self;
	/* One of them begins at the beginning, or the earlier place to go on from is unknown. */
	free(into->after);
	into->after = NULL;
	into->after_len = 0;
	walk_item_free(item);
}

void walk_queue_put(struct walk_queue *queue, struct walk_item *item)
{
	struct walk_item *there = NULL;
	HASH_FIND(hh, queue->by_key, item->key, 1 + item->path_len, there);
	if (there) {
		merge(there, item);
		return;
	}
	item->next = queue->top;
	queue->top = item;
	HASH_ADD_KEYPTR(hh, queue->by_key, item->key, 1 + item->path_len, item);
}

struct walk_item *walk_queue_take(struct walk_queue *queue)
{
	struct walk_item *item = queue->top;
	if (!item)
		return NULL;
	queue->top = item->next;
	item->next = NULL;
	HASH_DELETE(hh, queue->by_key, item);
	return item;
}

size_t walk_queue_count(const struct walk_queue *queue)
{
	return HASH_COUNT(queue->by_key);
}

void walk_queue_fini(struct walk_queue *queue)
{
	struct walk_item *item = queue->top, *next;
	HASH_CLEAR(hh, queue->by_key);
	for (queue->top = NULL; item; item = next) {
		next = item->next;
		walk_item_free(item);
	}
}
