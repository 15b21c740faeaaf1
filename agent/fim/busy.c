#include "agent/fim/busy.h"

#include <stddef.h>
#include <stdlib.h>

#include "common/base/mem.h"

#define MINUTE_MS 60000u
#define WAYS      4
#define SETS      (BUSY_SLOTS / WAYS)

static const uint32_t PAUSE_MS[] = {0, 10000, 20000, 40000, 60000};

#define LEVEL_MAX (sizeof(PAUSE_MS) / sizeof(PAUSE_MS[0]) - 1)

struct slot {
	uint32_t hash;
	uint32_t reads; /* since `since_ms`, while it is free; 0: the slot is empty */
	uint64_t since_ms;
	uint64_t last_ms;
	unsigned level;  /* index of PAUSE_MS; 0: free */
	bool is_hurried; /* it was read before its pause was over */
};

struct busy {
	uint32_t per_minute;
	struct slot slot[SETS][WAYS];
};

struct busy *busy_new(uint32_t per_minute)
{
	struct busy *busy = mem_new(sizeof(*busy));
	busy->per_minute = per_minute;
	return busy;
}

void busy_free(struct busy *busy)
{
	free(busy);
}

static uint64_t until(const struct slot *slot)
{
	return slot->last_ms + PAUSE_MS[slot->level];
}

static const struct slot *find(const struct busy *busy, uint32_t hash)
{
	const struct slot *set = busy->slot[hash % SETS];
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].reads > 0 && set[i].hash == hash)
			return &set[i];
	}
	return NULL;
}

static struct slot *claim(struct busy *busy, uint32_t hash, uint64_t now_ms)
{
	struct slot *set = busy->slot[hash % SETS];
	struct slot *oldest = &set[0];
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].reads > 0 && set[i].hash == hash)
			return &set[i];
		if (set[i].reads == 0 || (oldest->reads > 0 && set[i].last_ms < oldest->last_ms))
			oldest = &set[i];
	}
	*oldest = (struct slot){.hash = hash, .since_ms = now_ms};
	return oldest;
}

static void read_free(const struct busy *busy, struct slot *slot, uint64_t now_ms)
{
	if (now_ms - slot->since_ms > MINUTE_MS) {
		slot->since_ms = now_ms;
		slot->reads = 0;
	}
	slot->reads++;
	slot->last_ms = now_ms;
	slot->level = slot->reads > busy->per_minute ? 1 : 0;
}

static void read_busy(struct slot *slot, uint64_t now_ms)
{
	bool is_early = now_ms < until(slot);
	bool is_calm = now_ms > until(slot) + PAUSE_MS[slot->level];
	slot->is_hurried = is_early;
	if (is_early)
		return;
	slot->last_ms = now_ms;
	if (is_calm) {
		slot->level = 0;
		slot->since_ms = now_ms;
		slot->reads = 1;
	} else if (slot->level < LEVEL_MAX) {
		slot->level++;
	}
}

void busy_read(struct busy *busy, uint32_t hash, uint64_t now_ms)
{
	if (busy->per_minute == 0)
		return;
	struct slot *slot = claim(busy, hash, now_ms);
	if (slot->level > 0)
		read_busy(slot, now_ms);
	else
		read_free(busy, slot, now_ms);
}

uint64_t busy_until(const struct busy *busy, uint32_t hash, bool is_urgent, uint64_t now_ms)
{
	const struct slot *slot = find(busy, hash);
	bool is_paused = slot && slot->level > 0 && now_ms < until(slot);
	bool is_at_once = is_paused && is_urgent && !slot->is_hurried;
	return is_paused && !is_at_once ? until(slot) : 0;
}
