#include "agent/fim/settle_items.h"

#define LEADERS_MAX 64 /* a longer chain of renames is taken for a circle */

void item_part(struct item *leader)
{
	leader->old->leader = NULL;
	leader->old = NULL;
}

/* Whether `item` waits for `other`, directly or through others. */
static bool waits_for(const struct item *item, const struct item *other)
{
	for (unsigned i = 0; item && i < LEADERS_MAX; i++, item = item->leader) {
		if (item == other)
			return true;
	}
	return item != NULL;
}

static bool is_below(const struct item *item, const struct item *other)
{
	return item->path_len > other->path_len && item->path[other->path_len] == '/' &&
	       memcmp(item->path, other->path, other->path_len) == 0;
}

/* Two steps may make one rename of a path to below itself. What stands there needs the directory at
 * the old path to be known first, which would wait for the rename. */
bool item_link(struct item *item, struct item *old)
{
	bool is_free = !old->leader || old->leader == item;
	if (!is_free || waits_for(item, old) || is_below(item, old) || is_below(old, item))
		return false;
	item->old = old;
	old->leader = item;
	return true;
}

/* What stood at the target is overwritten: where it came from is compared by itself. */
static void part_from_other(struct settle *settle, struct item *item, struct item *old,
        const struct touch *touch, uint64_t now_ms)
{
	struct item *replaced = item->old;
	if (!replaced || replaced == old)
		return;
	item_part(item);
	item_tell_done(settle, replaced, touch, now_ms);
	replaced->lives += item->old_lives;
	item->old_lives = 0;
	item_schedule(settle, replaced);
}

static void rename_one(struct settle *settle, struct item *item, struct item *old,
        const struct touch *touch, uint64_t now_ms)
{
	/* The life that is renamed is not lost: it goes on at the new path. */
	uint32_t lives = old->is_told && old->lives > 0 ? old->lives - 1 : 0;
	if (item_link(item, old)) {
		old->is_told = false;
		item_put_off(settle, old, false);
		item->old_lives += lives;
		hands_add_before(&item->hands, &old->hands);
		hands_fini(&old->hands);
	} else {
		item_tell_done(settle, old, touch, now_ms);
		old->lives = lives;
	}
	item_recount(settle, old);
	item_schedule(settle, old);
}

/* A to B and then B to C, before anybody looked: it is A to C, and B by itself. */
static void rename_on(struct settle *settle, struct item *item, struct item *old,
        const struct touch *touch, uint64_t now_ms)
{
	struct item *origin = old->old;
	uint32_t origin_lives = old->old_lives;
	item_part(old);
	old->old_lives = 0;
	if (old->lives > old->lives_at_rename)
		old->lives--; /* made after the first rename: it is what went on to C */
	hands_add_before(&item->hands, &old->hands);
	item_tell_done(settle, old, touch, now_ms);
	item_schedule(settle, old);
	if (origin == item) {
		item->lives += origin_lives;
		return;
	}
	if (item_link(item, origin)) {
		item->old_lives += origin_lives;
	} else {
		item_tell_done(settle, origin, touch, now_ms);
		origin->lives += origin_lives;
	}
	item_schedule(settle, origin);
}

void item_touch_rename(struct settle *settle, struct item *item, struct item *old,
        const struct touch *touch, uint64_t now_ms)
{
	item_tell_touch(settle, item, touch, now_ms);
	part_from_other(settle, item, old->old ? old->old : old, touch, now_ms);
	if (old->old)
		rename_on(settle, item, old, touch, now_ms);
	else
		rename_one(settle, item, old, touch, now_ms);
	item->lives_at_rename = item->lives;
	item_schedule(settle, item);
}
