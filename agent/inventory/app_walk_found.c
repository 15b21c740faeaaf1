#include "agent/inventory/app_walk_private.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define BLIND_BYTES (1u << 20)
#define STEPS       32 /* entries between two looks at the clock */

/* --- what is found ---------------------------------------------------------------------------- */

void app_walk_stop(struct app_walk *walk, int code, const char *why)
{
	if (walk->rc == 0)
		walk->rc = fail(&walk->why, code, "%s", why);
}

void app_walk_complain(struct app_walk *walk, struct slice path, const char *why)
{
	struct buf shown = BUF_INIT;
	if (walk->tally.complaints++ == 0) {
		text_append_display(&shown, path);
		snprintf(walk->tally.complaint, sizeof(walk->tally.complaint), "'%s': %s",
		        buf_text(&shown), why);
	}
	buf_fini(&shown);
}

/* FNV-1a, with a beginning that nobody outside knows: names that were made to be mistaken for
 * others would keep those in the book. */
static uint64_t hash_of(const struct app_walk *walk, struct slice path)
{
	uint64_t hash = walk->seed ^ UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < path.len; i++)
		hash = (hash ^ path.ptr[i]) * UINT64_C(0x100000001b3);
	return (hash ^ hash >> 29) << 1;
}

void app_walk_meet(struct app_walk *walk, struct slice path, bool is_changed)
{
	if (walk->met_count == walk->met_room) {
		walk->met_room = walk->met_room ? walk->met_room * 2 : 256;
		walk->met = mem_resize(walk->met, walk->met_room * sizeof(*walk->met));
	}
	walk->met[walk->met_count++] = hash_of(walk, path) | is_changed;
}

void app_walk_change(struct app_walk *walk, const struct app_change *change)
{
	struct app_change kept = *change;
	kept.path = arena_copy(walk->arena, change->path);
	kept.record.facts = arena_copy(walk->arena, change->record.facts);
	if (!kept.path.ptr || !kept.record.facts.ptr) {
		app_walk_stop(walk, ERR_LIMIT, "too many application packages for one walk");
		return;
	}
	if (walk->change_count == walk->change_room) {
		walk->change_room = walk->change_room ? walk->change_room * 2 : 64;
		walk->change = mem_resize(walk->change, walk->change_room * sizeof(*walk->change));
	}
	walk->change[walk->change_count++] = kept;
}

void app_walk_go_blind(struct app_walk *walk, struct slice path, int code)
{
	app_walk_complain(walk, path, err_text(code));
	if (walk->blind.len > BLIND_BYTES) {
		app_walk_stop(walk, ERR_LIMIT, "too many directories cannot be read");
		return;
	}
	buf_append_u16(&walk->blind, (uint16_t)path.len);
	buf_append_slice(&walk->blind, path);
}

bool app_walk_is_blind(const struct app_walk *walk, struct slice path)
{
	struct slice rest = buf_slice(&walk->blind), dir;
	uint16_t len;
	while (slice_take_u16(&rest, &len) && slice_take(&rest, len, &dir))
		if (app_path_is_at_or_below(path, dir))
			return true;
	return false;
}

bool app_walk_pace(struct app_walk *walk)
{
	if (walk->rc == 0 && walk->options.is_stopping && atomic_load(walk->options.is_stopping))
		app_walk_stop(walk, ERR_CLOSED, "the walk was stopped");
	if (walk->rc < 0)
		return false;
	if (!walk->options.budget || ++walk->steps % STEPS != 0)
		return true;
	uint64_t used_ns = budget_thread_cpu_ns();
	budget_spend(walk->options.budget, 0, used_ns - walk->paid_cpu_ns);
	walk->paid_cpu_ns = used_ns;
	return true;
}

/* --- what was found --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

void app_walk_end(struct app_walk *walk)
{
	if (walk->met_count > 0)
		qsort(walk->met, walk->met_count, sizeof(*walk->met), by_value);
	arena_rest(walk->scratch);
}

bool app_walk_has_met(const struct app_walk *walk, struct slice path, bool *out_is_changed)
{
	uint64_t hash = hash_of(walk, path);
	size_t low = 0, high = walk->met_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (walk->met[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	bool is_met = low < walk->met_count && walk->met[low] >> 1 == hash >> 1;
	*out_is_changed = false;
	for (; low < walk->met_count && walk->met[low] >> 1 == hash >> 1; low++)
		*out_is_changed |= walk->met[low] & 1;
	return is_met;
}
