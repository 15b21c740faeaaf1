/*
 * settle_items - what settle holds of one path, and how it comes to be told, due and ready.
 *
 *   settle.c          life, what comes in and what goes out
 *   settle_items.c    one path: found, told, scheduled
 *   settle_renames.c  two paths that a rename ties together
 *
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_FIM_SETTLE_ITEMS_H
#define TSUJIBAN_AGENT_FIM_SETTLE_ITEMS_H

#include <uthash.h>
#include <utlist.h>

#include "agent/fim/busy.h"
#include "agent/fim/due.h"
#include "agent/fim/hands.h"
#include "agent/fim/settle.h"

/*
 * One path. What was said since it was last given out stands in hints, lives, cause, hands and old;
 * what its reader has stands in `out` and does not move while it is out.
 *
 * A rename makes its target the leader and its source the companion: until the leader has been out
 * the companion is not given out by itself, and while the leader is out the companion counts as
 * out. What is said of the companion after the rename gathers in it and follows later.
 */
struct item {
	struct settled out; /* first: what readers hold is the item */
	UT_hash_handle hh;
	struct item *prev, *next; /* in the list of ready ones */

	bool is_told;      /* something was said; the eleven below tell what */
	bool is_born_live; /* a creation among it, as it happened */
	unsigned hints;
	uint32_t lives;
	uint32_t lives_at_rename; /* how many before the last rename to here */
	uint32_t old_lives;
	enum event_cause cause;
	struct hands hands;
	bool is_gathered; /* it was put off: how many changes are merged is worth telling */
	uint32_t dones;   /* touches that told the end of a change */
	uint32_t writes;  /* and those that told one in the middle */
	struct item *old; /* companion: the last rename came from there */

	struct item *leader; /* this is the companion of that rename, which has not been out yet */

	bool is_out;
	bool is_ready;        /* in the list */
	bool is_put_off;      /* is told, and waits because it is busy */
	struct item *out_old; /* out together with this one, which has `out` */

	uint64_t first_ms;  /* when the first of the gathered touches came */
	struct due due;     /* in settle's heap while it waits for that moment */
	unsigned counted;   /* the causes under which it is counted: bits */
	uint32_t told_mark; /* settle's mark when the gathered touches began to gather */
	uint32_t out_mark;  /* the same of what is out */
	bool is_older;      /* counted in `older` */

	size_t path_len;
	uint8_t path[];
};

struct settle {
	struct settle_limits limits;
	void (*overflowed)(void *ctx, struct slice dir, enum event_cause cause);
	void *ctx;
	struct item *items;
	struct item *ready;
	struct due_heap waiting;
	size_t by_cause[CAUSE_MAX + 1];
	uint32_t mark; /* how many times settle_mark was called */
	size_t older;  /* items with something of before the last time */
	struct busy *busy;
	size_t put_off; /* items that are */
};

struct item *item_of_due(struct due *due);
/* NULL: there is no room for one more. */
struct item *item_find_or_add(struct settle *settle, struct slice path);
/* Called whenever what was said of an item, or what is out of it, has changed. */
void item_recount(struct settle *settle, struct item *item);
/* Where the item belongs now that something about it has changed. */
void item_schedule(struct settle *settle, struct item *item);
/* The same at this moment: what is due by then is ready afterwards. */
void item_schedule_at(struct settle *settle, struct item *item, uint64_t now_ms);
void item_make_due_ready(struct settle *settle, uint64_t now_ms);
void item_unschedule(struct settle *settle, struct item *item);
void item_put_off(struct settle *settle, struct item *item, bool is_put_off);
/* What is put off is due now. */
void item_go_on(struct settle *settle, struct item *item);
void item_make_ready(struct settle *settle, struct item *item);
void item_free(struct item *item);
void item_drop_if_empty(struct settle *settle, struct item *item);

void item_tell(struct settle *settle, struct item *item, unsigned hints, uint32_t lives,
        enum event_cause cause, uint64_t now_ms);
void item_tell_touch(
        struct settle *settle, struct item *item, const struct touch *touch, uint64_t now_ms);
/* A path that a rename has to do with, to be looked at by itself. */
void item_tell_done(
        struct settle *settle, struct item *item, const struct touch *touch, uint64_t now_ms);

void item_touch_rename(struct settle *settle, struct item *item, struct item *old,
        const struct touch *touch, uint64_t now_ms);
/* Makes `old` the companion of `item`; false: one of them is bound otherwise. */
bool item_link(struct item *item, struct item *old);
void item_part(struct item *leader);

#endif
