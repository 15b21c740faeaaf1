#include "agent/fim/settle.h"

#include <assert.h>
#include <stdlib.h>

#include "agent/fim/settle_items.h"
#include "common/base/mem.h"

#define QUIET_MS_DEFAULT 500
#define MOST_MS_DEFAULT  3000
#define PATHS_DEFAULT    65536

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
	settle->busy = busy_new(limits->busy_per_minute);
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
		item_free(item);
	}
	due_fini(&settle->waiting);
	busy_free(settle->busy);
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
	struct item *item = item_find_or_add(settle, touch->path);
	struct item *old = is_rename ? item_find_or_add(settle, touch->old_path) : NULL;
	if (item && old) {
		item_touch_rename(settle, item, old, touch, now_ms);
		return;
	}
	if (item) {
		item_tell_touch(settle, item, touch, now_ms);
		item_schedule_at(settle, item, now_ms);
	} else {
		overflow(settle, touch->path, touch->cause);
	}
	if (old) {
		item_tell_done(settle, old, touch, now_ms);
		item_schedule(settle, old);
	} else if (is_rename) {
		overflow(settle, touch->old_path, touch->cause);
	}
}

static void send_out(struct settle *settle, struct item *item, uint64_t now_ms)
{
	struct item *old = item->old;
	item_unschedule(settle, item);
	item->out = (struct settled){
	        .path = slice_of(item->path, item->path_len),
	        .hints = item->hints,
	        .lives = item->lives,
	        .old_lives = item->old_lives,
	        .cause = item->cause,
	        .by = item->hands.by,
	        .gap = hands_gap(&item->hands),
	};
	if (item->is_gathered)
		item->out.changes = item->dones > 0 ? item->dones : item->writes;
	if (item->cause == CAUSE_LIVE)
		busy_read(settle->busy, item->hh.hashv, now_ms);
	item->hands = (struct hands){0}; /* `out` has the reference now */
	if (old) {
		item->out.old_path = slice_of(old->path, old->path_len);
		item->out.old_follows = old->is_told;
		item_part(item);
		old->is_out = true;
		item_unschedule(settle, old);
	}
	item->out_old = old;
	item->out_mark = item->told_mark;
	item->is_out = true;
	item->is_told = false;
	item_put_off(settle, item, false);
}

size_t settle_take(struct settle *settle, uint64_t now_ms, const struct settled **out, size_t most)
{
	size_t count = 0;
	item_make_due_ready(settle, now_ms);
	while (count < most && settle->ready) {
		struct item *item = settle->ready;
		send_out(settle, item, now_ms);
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
	struct hands hands = {.by = out.by, .gap = out.gap};
	struct item *old = item->out_old;
	uint64_t again_ms = now_ms + again_after_ms;
	item_tell(settle, item, out.hints, out.lives, out.cause, now_ms);
	hands_add_before(&item->hands, &hands);
	if (!item->is_born_live)
		item->cause = out.cause;
	item->told_mark = item->out_mark;
	item_recount(settle, item);
	if (out.changes > 0) {
		item->is_gathered = true;
		item->dones += out.changes;
	}
	if (again_ms < item->due.at_ms) {
		due_set(&settle->waiting, &item->due, again_ms);
		item_put_off(settle, item, false);
	}
	if (!old)
		return;
	if (!item->old && item_link(item, old)) {
		item->old_lives += out.old_lives;
		return;
	}
	struct touch done = {.hints = out.hints, .cause = out.cause};
	item_tell_done(settle, old, &done, now_ms);
	hands_add_before(&old->hands, &hands);
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
	witness_drop(item->out.by);
	item->out.by = NULL;
	item->out_old = NULL;
	item->is_out = false;
	item_recount(settle, item);
	item_schedule(settle, item);
	if (item->leader)
		item_schedule(settle, item->leader);
	if (old) {
		old->is_out = false;
		item_schedule(settle, old);
		if (old->leader)
			item_schedule(settle, old->leader);
		item_drop_if_empty(settle, old);
	}
	item_drop_if_empty(settle, item);
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

size_t settle_count_current(const struct settle *settle)
{
	return HASH_COUNT(settle->items) - settle->put_off;
}

size_t settle_count_cause(const struct settle *settle, enum event_cause cause)
{
	return settle->by_cause[cause];
}

void settle_mark(struct settle *settle)
{
	settle->mark++;
	for (struct item *item = settle->items; item; item = item->hh.next) {
		if (item->is_put_off)
			item_go_on(settle, item);
		item_recount(settle, item);
	}
}

size_t settle_count_older(const struct settle *settle)
{
	return settle->older;
}
