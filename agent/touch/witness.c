#include "agent/touch/witness.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"

struct text {
	struct slice *slice;
	size_t limit;
};

/* Every text of an actor, with its limit. Returns how many. */
static size_t texts_of(struct actor *actor, struct text out[5 + ACTOR_PARENTS_MAX])
{
	size_t count = 0;
	out[count++] = (struct text){&actor->exe, ACTOR_EXE_BYTES};
	out[count++] = (struct text){&actor->cmdline, ACTOR_CMDLINE_BYTES};
	out[count++] = (struct text){&actor->user, ACTOR_NAME_BYTES};
	out[count++] = (struct text){&actor->login_user, ACTOR_NAME_BYTES};
	out[count++] = (struct text){&actor->container, ACTOR_NAME_BYTES};
	for (unsigned i = 0; i < actor->parent_count; i++)
		out[count++] = (struct text){&actor->parent[i], ACTOR_PARENT_BYTES};
	return count;
}

struct witness *witness_new(const struct actor *actor, enum actor_gap gap)
{
	struct actor own = *actor;
	struct text text[5 + ACTOR_PARENTS_MAX];
	size_t bytes = 0;
	assert(actor->parent_count <= ACTOR_PARENTS_MAX);
	size_t count = texts_of(&own, text);
	for (size_t i = 0; i < count; i++) {
		if (text[i].slice->len > text[i].limit)
			text[i].slice->len = text[i].limit;
		bytes += text[i].slice->len;
	}
	struct witness *witness = mem_new(sizeof *witness + bytes);
	uint8_t *room = (uint8_t *)(witness + 1);
	for (size_t i = 0; i < count; i++) {
		if (text[i].slice->len == 0)
			continue;
		memcpy(room, text[i].slice->ptr, text[i].slice->len);
		text[i].slice->ptr = room;
		room += text[i].slice->len;
	}
	witness->actor = own;
	witness->gap = gap;
	witness->references = 1;
	witness->bytes = sizeof *witness + bytes;
	return witness;
}

struct witness *witness_keep(struct witness *witness)
{
	if (witness)
		witness->references++;
	return witness;
}

void witness_drop(struct witness *witness)
{
	if (!witness)
		return;
	assert(witness->references > 0);
	if (--witness->references == 0)
		free(witness);
}
