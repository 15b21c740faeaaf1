#include "agent/fim/settle_items.h"

#include <stdlib.h>

#include "common/base/mem.h"

/* --- items ----------------------------------------------------------------------------------- */

struct item *item_of_due(struct due *due)
{
	return (struct item *)(void *)((char *)due - offsetof(struct item, due));
}

struct item *item_find_or_add(struct settle *settle, struct slice path)
{
	struct item *item;
	unsigned hash;
	HASH_VALUE(path.ptr, path.len, hash);
	HASH_FIND_BYHASHVALUE(hh, settle->items, path.ptr, path.len, hash, item);
	if (item || HASH_COUNT(settle->items) >= settle->limits.paths)
		return item;
	item = mem_new(sizeof(*item) + path.len);
	memcpy(item->path, path.ptr, path.len);
	item->path_len = path.len;
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, settle->items, item->path, item->path_len, hash, item);
	return item;
}

/* Called whenever what was said of an item, or what is out of it, has changed. */
void item_recount(struct settle *settle, struct item *item)
{
	unsigned counted = item->is_told && !item->is_put_off ? 1u << item->cause : 0;
	if (item->is_out && item->out.path.ptr)
		counted |= 1u << item->out.cause;
	for (unsigned cause = 0; cause <= CAUSE_MAX; cause++) {
		settle->by_cause[cause] += counted >> cause & 1u;
		settle->by_cause[cause] -= item->counted >> cause & 1u;
	}
	item->counted = counted;
	bool is_older = (item->is_told && item->told_mark != settle->mark) ||
	                (item->is_out && item->out.path.ptr && item->out_mark != settle->mark);
	settle->older += is_older;
	settle->older -= item->is_older;
	item->is_older = is_older;
}

void item_unschedule(struct settle *settle, struct item *item)
{
	if (item->is_ready)
		DL_DELETE(settle->ready, item);
	item->is_ready = false;
	due_remove(&settle->waiting, &item->due);
}

static bool may_go_out(const struct item *item)
{
	return item->is_told && !item->is_out && !item->leader && !(item->old && item->old->is_out);
}

/* Where the item belongs now that something about it has changed. */
void item_schedule(struct settle *settle, struct item *item)
{
	if (!may_go_out(item)) {
		item_unschedule(settle, item);
		return;
	}
	if (item->is_ready)
		return;
	due_remove(&settle->waiting, &item->due);
	due_add(&settle->waiting, &item->due);
}

void item_make_due_ready(struct settle *settle, uint64_t now_ms)
{
	struct due *due;
	while ((due = due_first(&settle->waiting)) && due->at_ms <= now_ms)
		item_make_ready(settle, item_of_due(due));
}

/* Most touches tell the end of a change: behind whatever is due before it, such an item need not
 * go through the heap. */
void item_schedule_at(struct settle *settle, struct item *item, uint64_t now_ms)
{
	if (!may_go_out(item) || item->is_ready || item->due.at_ms > now_ms) {
		item_schedule(settle, item);
		return;
	}
	item_make_due_ready(settle, now_ms);
	if (!item->is_ready)
		item_make_ready(settle, item);
}

void item_put_off(struct settle *settle, struct item *item, bool is_put_off)
{
	settle->put_off += is_put_off;
	settle->put_off -= item->is_put_off;
	item->is_put_off = is_put_off;
	item->is_gathered |= is_put_off;
	item_recount(settle, item);
}

void item_go_on(struct settle *settle, struct item *item)
{
	due_remove(&settle->waiting, &item->due);
	due_set(&settle->waiting, &item->due, 0);
	item_put_off(settle, item, false);
	item_schedule(settle, item);
}

void item_make_ready(struct settle *settle, struct item *item)
{
	due_remove(&settle->waiting, &item->due);
	item->is_ready = true;
	DL_APPEND(settle->ready, item);
}

void item_free(struct item *item)
{
	hands_fini(&item->hands);
	witness_drop(item->out.by);
	free(item);
}

void item_drop_if_empty(struct settle *settle, struct item *item)
{
	if (item->is_told || item->is_out || item->leader)
		return;
	item_unschedule(settle, item);
	settle->put_off -= item->is_put_off;
	HASH_DELETE(hh, settle->items, item);
	item_free(item);
}

/* --- what is said ---------------------------------------------------------------------------- */

static bool is_terminal(const struct touch *touch)
{
	const unsigned ENDS = TOUCH_DONE | TOUCH_GONE | TOUCH_RETIRE;
	/* A directory is complete once it is made. */
	bool is_new_directory = touch->hints & TOUCH_CREATED && touch->hints & TOUCH_DIRECTORY;
	return touch->hints & ENDS || touch->old_path.ptr || is_new_directory;
}

void item_tell(struct settle *settle, struct item *item, unsigned hints, uint32_t lives,
        enum event_cause cause, uint64_t now_ms)
{
	due_remove(&settle->waiting, &item->due); /* it is about to change; schedule follows */
	if (!item->is_told) {
		item->is_born_live = false;
		item->hints = 0;
		hands_fini(&item->hands);
		item->lives = item->lives_at_rename = item->old_lives = 0;
		item->is_gathered = false;
		item->dones = item->writes = 0;
		item->cause = cause;
		item->first_ms = now_ms;
		item->told_mark = settle->mark;
		due_set(&settle->waiting, &item->due, UINT64_MAX);
	}
	item->is_told = true;
	item->is_born_live |= hints & TOUCH_CREATED && cause == CAUSE_LIVE;
	if (item->is_born_live)
		item->cause = CAUSE_LIVE;
	item->hints |= hints;
	item->lives += lives;
	item_recount(settle, item);
}

static uint64_t quiet_until(const struct settle *settle, const struct item *item, uint64_t now_ms)
{
	uint64_t quiet = now_ms + settle->limits.quiet_ms;
	uint64_t most = item->first_ms + settle->limits.most_ms;
	return quiet < most ? quiet : most;
}

/* As it happens, and to a file. */
static bool may_be_put_off(const struct touch *touch)
{
	const unsigned CHANGES = TOUCH_CREATED | TOUCH_WRITING | TOUCH_REREAD | TOUCH_LINKED |
	                         TOUCH_DONE | TOUCH_GONE;
	return touch->cause == CAUSE_LIVE && touch->hints && !(touch->hints & ~CHANGES);
}

/* That something is gone is urgent, unless it is one of many that come and go. */
static uint64_t put_off_until(const struct settle *settle, const struct item *item,
        const struct touch *touch, uint64_t now_ms)
{
	bool is_loss = touch->hints & TOUCH_GONE && !(item->hints & TOUCH_CREATED);
	if (!may_be_put_off(touch))
		return 0;
	return busy_until(settle->busy, item->hh.hashv, is_loss, now_ms);
}

void item_tell_touch(
        struct settle *settle, struct item *item, const struct touch *touch, uint64_t now_ms)
{
	uint32_t lives = touch->hints & TOUCH_CREATED ? 1 : 0;
	/* What is ready by an earlier word stays so. */
	bool was_due = item->is_told && item->due.at_ms <= now_ms;
	item_tell(settle, item, touch->hints, lives, touch->cause, now_ms);
	hands_add(&item->hands, touch->by, touch->gap);
	item->dones += touch->hints & TOUCH_DONE ? 1 : 0;
	item->writes += touch->hints & TOUCH_WRITING ? 1 : 0;
	if (was_due)
		return;
	uint64_t due_ms = is_terminal(touch) ? now_ms : quiet_until(settle, item, now_ms);
	uint64_t until_ms = put_off_until(settle, item, touch, now_ms);
	item_put_off(settle, item, until_ms > due_ms);
	due_set(&settle->waiting, &item->due, until_ms > due_ms ? until_ms : due_ms);
	/* What is not put off does not wait for a rename that is. */
	if (!may_be_put_off(touch) && item->leader && item->leader->is_put_off)
		item_go_on(settle, item->leader);
}

/* A path that a rename has to do with, to be looked at by itself. */
void item_tell_done(
        struct settle *settle, struct item *item, const struct touch *touch, uint64_t now_ms)
{
	unsigned hints = TOUCH_DONE | (touch->hints & TOUCH_RELIST);
	item_tell(settle, item, hints, 0, touch->cause, now_ms);
	hands_add(&item->hands, touch->by, touch->gap);
	if (item->due.at_ms > now_ms) {
		due_set(&settle->waiting, &item->due, now_ms);
		item_put_off(settle, item, false);
	}
}
