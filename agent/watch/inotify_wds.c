#include "agent/watch/inotify_wds.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

void wds_fini(struct watch_wds *wds)
{
	free(wds->slot);
	free(wds->ended);
	*wds = (struct watch_wds){0};
}

/* The position of the first slot whose descriptor is not below `wd`. */
static size_t place_of(const struct watch_wds *wds, int wd)
{
	size_t low = 0, high = wds->count;
	if (high > 0 && wds->slot[high - 1].wd < wd)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (wds->slot[middle].wd < wd)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct wd_slot *find(const struct watch_wds *wds, int wd)
{
	size_t at = place_of(wds, wd);
	return at < wds->count && wds->slot[at].wd == wd ? &wds->slot[at] : NULL;
}

static bool is_nobodys(const struct wd_slot *slot)
{
	return !slot->node && slot->ignores == 0 && !slot->is_ended;
}

static void sweep(struct watch_wds *wds)
{
	size_t kept = 0;
	for (size_t i = 0; i < wds->count; i++)
		if (!is_nobodys(&wds->slot[i]))
			wds->slot[kept++] = wds->slot[i];
	wds->count = kept;
}

static struct wd_slot *find_or_insert(struct watch_wds *wds, int wd)
{
	struct wd_slot *slot = find(wds, wd);
	if (slot)
		return slot;
	if (wds->count == wds->room) {
		sweep(wds);
		if (wds->count >= wds->room / 2) {
			wds->room = wds->room ? wds->room * 2 : 64;
			wds->slot = mem_resize(wds->slot, wds->room * sizeof(*wds->slot));
		}
	}
	size_t at = place_of(wds, wd);
	slot = &wds->slot[at];
	memmove(slot + 1, slot, (wds->count - at) * sizeof(*slot));
	*slot = (struct wd_slot){.wd = wd};
	wds->count++;
	return slot;
}

struct watch_node *wds_node(const struct watch_wds *wds, int wd)
{
	const struct wd_slot *slot = find(wds, wd);
	return slot && slot->ignores == 0 ? slot->node : NULL;
}

struct watch_node *wds_holder(const struct watch_wds *wds, int wd)
{
	const struct wd_slot *slot = find(wds, wd);
	return slot ? slot->node : NULL;
}

void wds_set(struct watch_wds *wds, int wd, struct watch_node *node)
{
	struct wd_slot *slot = find_or_insert(wds, wd);
	if (!slot->node)
		wds->live++;
	slot->node = node;
	slot->is_ended = false;
}

static void give_back(struct watch_wds *wds, struct wd_slot *slot)
{
	slot->is_ended = true;
	if (wds->ended_count == wds->ended_room) {
		wds->ended_room = wds->ended_room ? wds->ended_room * 2 : 64;
		wds->ended = mem_resize(wds->ended, wds->ended_room * sizeof(*wds->ended));
	}
	wds->ended[wds->ended_count++] = slot->wd;
}

void wds_end(struct watch_wds *wds, int wd)
{
	struct wd_slot *slot = find(wds, wd);
	if (!slot || !slot->node)
		return;
	slot->node = NULL;
	wds->live--;
	give_back(wds, slot);
}

void wds_abandon(struct watch_wds *wds, int wd)
{
	struct wd_slot *slot = find_or_insert(wds, wd);
	if (!slot->node && !slot->is_ended)
		give_back(wds, slot);
}

int wds_take_ended(struct watch_wds *wds)
{
	while (wds->ended_from < wds->ended_count) {
		struct wd_slot *slot = find(wds, wds->ended[wds->ended_from++]);
		if (!slot || !slot->is_ended)
			continue;
		slot->is_ended = false;
		slot->ignores++;
		return slot->wd;
	}
	free(wds->ended);
	wds->ended = NULL;
	wds->ended_from = wds->ended_count = wds->ended_room = 0;
	return -1;
}

struct watch_node *wds_ignored(struct watch_wds *wds, int wd)
{
	struct wd_slot *slot = find(wds, wd);
	if (!slot)
		return NULL;
	if (slot->ignores > 0) {
		slot->ignores--;
		return NULL;
	}
	slot->is_ended = false;
	struct watch_node *node = slot->node;
	if (node)
		wds->live--;
	slot->node = NULL;
	return node;
}

void wds_expect_no_ignored(struct watch_wds *wds)
{
	for (size_t i = 0; i < wds->count; i++)
		wds->slot[i].ignores = 0;
	sweep(wds);
}
