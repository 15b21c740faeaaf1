/*
 * walk_queue - what walk still has to look at: last in, first out, each path once.
 *
 * Depth first keeps it short: it holds the directories beside the way down, not the whole tree.
 *
 * Owner    owns the items in it; one that was taken is the taker's until walk_item_free or
 *          walk_queue_put.
 * Thread   one.
 */
#ifndef TSUJIBAN_AGENT_FIM_WALK_QUEUE_H
#define TSUJIBAN_AGENT_FIM_WALK_QUEUE_H

#include <uthash.h>

#include "common/base/slice.h"
#include "common/model/event.h"

enum walk_kind {
	WALK_REQUEST,   /* a path that was asked for: find out what it is */
	WALK_DIRECTORY, /* a directory to compare */
};

struct walk_item {
	UT_hash_handle hh;
	struct walk_item *next;
	enum event_cause cause;
	bool is_recursive;
	bool with_self;
	uint8_t *after; /* go on behind this name; NULL: from the beginning */
	size_t after_len;
	size_t path_len;
	uint8_t key[]; /* kind, path */
};

struct walk_queue {
	struct walk_item *top;
	struct walk_item *by_key;
};

struct walk_item *walk_item_new(enum walk_kind kind, struct slice path, enum event_cause cause);
void walk_item_free(struct walk_item *item);

static inline enum walk_kind walk_item_kind(const struct walk_item *item)
{
	return (enum walk_kind)item->key[0];
}

static inline struct slice walk_item_path(const struct walk_item *item)
{
	return slice_of(item->key + 1, item->path_len);
}

/* Takes the item over. If its path is there already the two become one that does what both were
 * to do, with the cause of the first. */
void walk_queue_put(struct walk_queue *queue, struct walk_item *item);
/* NULL when it is empty. */
struct walk_item *walk_queue_take(struct walk_queue *queue);
size_t walk_queue_count(const struct walk_queue *queue);
void walk_queue_fini(struct walk_queue *queue);

#endif
