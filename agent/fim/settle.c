#include "agent/fim/settle.h"

#include <assert.h>
#include <stdlib.h>

#include <uthash.h>
#include <utlist.h>

#include "agent/fim/due.h"
#include "common/base/mem.h"

#define QUIET_MS_DEFAULT 500
#define MOST_MS_DEFAULT  3000
#define PATHS_DEFAULT    65536

#define LEADERS_MAX 64 /* a longer chain of renames is taken for a circle */

/*
 * One path. What was said since it was last given out stands in hints, lives, cause and old; what
 * its reader has stands in `out` and does not move while it is out.
 *
 * A rename makes its target the leader and its source the companion: until the leader has been out
 * the companion is not given out by itself, and while the leader is out the companion counts as
 * out. What is said of the companion after the rename gathers in it and follows later.
 */
struct item {
	struct settled out; /* first: what readers hold is the item */
	UT_hash_handle hh;
	struct item *prev, *next; /* in the list of ready ones */

	bool is_told;      /* something was said; the seven below tell what */
	bool is_born_live; /* a creation among it, as it happened */
	unsigned hints;
	uint32_t lives;
	uint32_t lives_at_rename; /* how many before the last rename to here */
	uint32_t old_lives;
	enum event_cause cause;
	struct item *old; /* companion: the last rename came from there */

	struct item *leader; /* this is the companion of that rename, which has not been out yet */

	bool is_out;
	bool is_ready;        /* in the list */
	struct item *out_old; /* out together with this one, which has `out` */

	uint64_t first_ms; /* when the first of the gathered touches came */
	struct due due;    /* in settle's heap while it waits for that moment */
	unsigned counted;  /* the causes under which it is counted: bits */

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
};

/* --- items ----------------------------------------------------------------------------------- */

static struct item *item_of(struct due *due)
{
	return (struct item *)(void *)((char *)due - offsetof(struct item, due));
}

static struct item *find(struct settle *settle, struct slice path)
{
	struct item *item;
	HASH_FIND(hh, settle->items, path.ptr, path.len, item);
	return item;
}

static struct item *find_or_add(struct settle *settle, struct slice path)
{
	struct item *item = find(settle, path);
	if (item || HASH_COUNT(settle->items) >= settle->limits.paths)
		return item;
	item = mem_new(sizeof(*item) + path.len);
	memcpy(item->path, path.ptr, path.len);
	item->path_len = path.len;
	HASH_ADD_KEYPTR(hh, settle->items, item->path, item->path_len, item);
	return item;
}

/* Called whenever what was said of an item, or what is out of it, has changed. */
static void recount(struct settle *settle, struct item *item)
{
	unsigned counted = item->is_told ? 1u << item->cause : 0;
	if (item->is_out && item->out.path.ptr)
		counted |= 1u << item->out.cause;
	for (unsigned cause = 0; cause <= CAUSE_MAX; cause++) {
		settle->by_cause[cause] += counted >> cause & 1u;
		settle->by_cause[cause] -= item->counted >> cause & 1u;
	}
	item->counted = counted;
}

static void unschedule(struct settle *settle, struct item *item)
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
static void schedule(struct settle *settle, struct item *item)
{
	if (!may_go_out(item)) {
		unschedule(settle, item);
		return;
	}
	if (item->is_ready)
		return;
	due_remove(&settle->waiting, &item->due);
	due_add(&settle->waiting, &item->due);
}

static void make_ready(struct settle *settle, struct item *item)
{
	due_remove(&settle->waiting, &item->due);
	item->is_ready = true;
	DL_APPEND(settle->ready, item);
}

static void drop_if_empty(struct settle *settle, struct item *item)
{
	if (item->is_told || item->is_out || item->leader)
		return;
	unschedule(settle, item);
	HASH_DELETE(hh, settle->items, item);
	free(item);
}

/* --- what is said ---------------------------------------------------------------------------- */

static bool is_terminal(const struct touch *touch)
{
	const unsigned ENDS = TOUCH_DONE | TOUCH_GONE | TOUCH_RETIRE;
	/* A directory is complete once it is made. */
	bool is_new_directory = touch->hints & TOUCH_CREATED && touch->hints & TOUCH_DIRECTORY;
	return touch->hints & ENDS || touch->old_path.ptr || is_new_directory;
}

static void tell(struct settle *settle, struct item *item, unsigned hints, uint32_t lives,
        enum event_cause cause, uint64_t now_ms)
{
	due_remove(&settle->waiting, &item->due); /* it is about to change; schedule follows */
	if (!item->is_told) {
		item->is_born_live = false;
		item->hints = 0;
		item->lives = item->lives_at_rename = item->old_lives = 0;
		item->cause = cause;
		item->first_ms = now_ms;
		due_set(&settle->waiting, &item->due, UINT64_MAX);
	}
	item->is_told = true;
	item->is_born_live |= hints & TOUCH_CREATED && cause == CAUSE_LIVE;
	if (item->is_born_live)
		item->cause = CAUSE_LIVE;
	item->hints |= hints;
	item->lives += lives;
	recount(settle, item);
}

static uint64_t quiet_until(const struct settle *settle, const struct item *item, uint64_t now_ms)
{
	uint64_t quiet = now_ms + settle->limits.quiet_ms;
	uint64_t most = item->first_ms + settle->limits.most_ms;
	return quiet < most ? quiet : most;
}

static void tell_touch(
        struct settle *settle, struct item *item, const struct touch *touch, uint64_t now_ms)
{
	uint32_t lives = touch->hints & TOUCH_CREATED ? 1 : 0;
	/* What is ready by an earlier word stays so. */
	bool was_due = item->is_told && item->due.at_ms <= now_ms;
	tell(settle, item, touch->hints, lives, touch->cause, now_ms);
	uint64_t due_ms = is_terminal(touch) ? now_ms : quiet_until(settle, item, now_ms);
	if (!was_due)
		due_set(&settle->waiting, &item->due, due_ms);
}

/* A path that a rename has to do with, to be looked at by itself. */
static void tell_done(struct settle *settle, struct item *item, unsigned hints,
        enum event_cause cause, uint64_t now_ms)
{
	tell(settle, item, TOUCH_DONE | (hints & TOUCH_RELIST), 0, cause, now_ms);
	if (item->due.at_ms > now_ms)
		due_set(&settle->waiting, &item->due, now_ms);
}

/* --- renames --------------------------------------------------------------------------------- */

static void part(struct item *leader)
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

static bool link(struct item *item, struct item *old)
{
	bool is_free = !old->leader || old->leader == item;
	if (!is_free || waits_for(item, old))
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
	part(item);
	tell_done(settle, replaced, touch->hints, touch->cause, now_ms);
	replaced->lives += item->old_lives;
	item->old_lives = 0;
	schedule(settle, replaced);
}

static void rename_one(struct settle *settle, struct item *item, struct item *old,
        const struct touch *touch, uint64_t now_ms)
{
	/* The life that is renamed is not lost: it goes on at the new path. */
	uint32_t lives = old->is_told && old->lives > 0 ? old->lives - 1 : 0;
	if (link(item, old)) {
		old->is_told = false;
		item->old_lives += lives;
	} else {
		tell_done(settle, old, touch->hints, touch->cause, now_ms);
		old->lives = lives;
	}
	recount(settle, old);
	schedule(settle, old);
}

/* A to B and then B to C, before anybody looked: it is A to C, and B by itself. */
static void rename_on(struct settle *settle, struct item *item, struct item *old,
        const struct touch *touch, uint64_t now_ms)
{
	struct item *origin = old->old;
	uint32_t origin_lives = old->old_lives;
	part(old);
	old->old_lives = 0;
	if (old->lives > old->lives_at_rename)
		old->lives--; /* made after the first rename: it is what went on to C */
	tell_done(settle, old, touch->hints, touch->cause, now_ms);
	schedule(settle, old);
	if (origin == item) {
		item->lives += origin_lives;
		return;
	}
	if (link(item, origin)) {
		item->old_lives += origin_lives;
	} else {
		tell_done(settle, origin, touch->hints, touch->cause, now_ms);
		origin->lives += origin_lives;
	}
	schedule(settle, origin);
}

static void touch_rename(struct settle *settle, struct item *item, struct item *old,
        const struct touch *touch, uint64_t now_ms)
{
	tell_touch(settle, item, touch, now_ms);
	part_from_other(settle, item, old->old ? old->old : old, touch, now_ms);
	if (old->old)
		rename_on(settle, item, old, touch, now_ms);
	else
		rename_one(settle, item, old, touch, now_ms);
	item->lives_at_rename = item->lives;
	schedule(settle, item);
}

/* --- public ---------------------------------------------------------------------------------- */

struct settle *settle_new(const struct settle_limits *limits,
        void (*overflowed)(void *ctx, struct slice dir, enum event_cause cause), void *ctx)
{
	struct settle *settle = mem_new(sizeof(*settle));
	settle->limits = (struct settle_limits){
	        .quiet_ms = limits->quiet_ms ? limits->quiet_ms : QUIET_MS_DEFAULT,
	        .most_ms = limits->most_ms ? limits->most_ms : MOST_MS_DEFAULT,
	        .paths = limits->paths ? limits->paths : PATHS_DEFAULT,
	};
	settle->overflowed = overflowed;
	settle->ctx = ctx;
	return settle;
}

void settle_free(struct settle *settle)
{
	if (!settle)
		return;
	struct item *item = settle->items, *next;
	HASH_CLEAR(hh, settle->items);
	for (; item; item = next) {
		next = item->hh.next;
		free(item);
	}
	due_fini(&settle->waiting);
	free(settle);
}

static void overflow(struct settle *settle, struct slice path, enum event_cause cause)
{
	const uint8_t *slash = memrchr(path.ptr, '/', path.len);
	size_t len = slash && slash > path.ptr ? (size_t)(slash - path.ptr) : 1;
	settle->overflowed(settle->ctx, slice_of(path.ptr, len), cause);
}

void settle_touch(struct settle *settle, const struct touch *touch, uint64_t now_ms)
{
	bool is_rename = touch->old_path.ptr && !slice_equal(touch->old_path, touch->path);
	struct item *item = find_or_add(settle, touch->path);
	struct item *old = is_rename ? find_or_add(settle, touch->old_path) : NULL;
	if (item && old) {
		touch_rename(settle, item, old, touch, now_ms);
		return;
	}
	if (item) {
		tell_touch(settle, item, touch, now_ms);
		schedule(settle, item);
	} else {
		overflow(settle, touch->path, touch->cause);
	}
	if (old) {
		tell_done(settle, old, touch->hints, touch->cause, now_ms);
		schedule(settle, old);
	} else if (is_rename) {
		overflow(settle, touch->old_path, touch->cause);
	}
}

static void send_out(struct settle *settle, struct item *item)
{
	struct item *old = item->old;
	unschedule(settle, item);
	item->out = (struct settled){
	        .path = slice_of(item->path, item->path_len),
	        .hints = item->hints,
	        .lives = item->lives,
	        .old_lives = item->old_lives,
	        .cause = item->cause,
	};
	if (old) {
		item->out.old_path = slice_of(old->path, old->path_len);
		item->out.old_follows = old->is_told;
		part(item);
		old->is_out = true;
		unschedule(settle, old);
	}
	item->out_old = old;
	item->is_out = true;
	item->is_told = false;
	recount(settle, item);
}

size_t settle_take(struct settle *settle, uint64_t now_ms, const struct settled **out, size_t most)
{
	size_t count = 0;
	struct due *due;
	while ((due = due_first(&settle->waiting)) && due->at_ms <= now_ms)
		make_ready(settle, item_of(due));
	while (count < most && settle->ready) {
		struct item *item = settle->ready;
		send_out(settle, item);
		out[count++] = &item->out;
	}
	return count;
}

/* Says again what was out, for another reading after `again_after_ms`; what was said meanwhile came
 * later and has a moment of its own, which may be earlier. */
static void tell_again(
        struct settle *settle, struct item *item, uint64_t again_after_ms, uint64_t now_ms)
{
	struct settled out = item->out;
	struct item *old = item->out_old;
	uint64_t again_ms = now_ms + again_after_ms;
	tell(settle, item, out.hints, out.lives, out.cause, now_ms);
	if (!item->is_born_live)
		item->cause = out.cause;
	recount(settle, item);
	if (again_ms < item->due.at_ms)
		due_set(&settle->waiting, &item->due, again_ms);
	if (!old)
		return;
	if (!item->old && link(item, old)) {
		item->old_lives += out.old_lives;
		return;
	}
	tell_done(settle, old, out.hints, out.cause, now_ms);
	old->lives += out.old_lives;
}

void settle_finish(struct settle *settle, const struct settled *settled, uint64_t again_after_ms,
        uint64_t now_ms)
{
	struct item *item = (struct item *)settled;
	struct item *old = item->out_old;
	assert(item->is_out);
	if (again_after_ms > 0)
		tell_again(settle, item, again_after_ms, now_ms);
	item->out.path = (struct slice){0};
	item->out_old = NULL;
	item->is_out = false;
	recount(settle, item);
	schedule(settle, item);
	if (item->leader)
		schedule(settle, item->leader);
	if (old) {
		old->is_out = false;
		schedule(settle, old);
		if (old->leader)
			schedule(settle, old->leader);
		drop_if_empty(settle, old);
	}
	drop_if_empty(settle, item);
}

uint64_t settle_next_ms(const struct settle *settle)
{
	if (settle->ready)
		return 0;
	const struct due *due = due_first(&settle->waiting);
	return due ? due->at_ms : UINT64_MAX;
}

size_t settle_count(const struct settle *settle)
{
	return HASH_COUNT(settle->items);
}

size_t settle_count_cause(const struct settle *settle, enum event_cause cause)
{
	return settle->by_cause[cause];
}
