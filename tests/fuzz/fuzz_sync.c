/* floor: common/codec - offer, want or bucket, as the first byte says. What is taken has to encode
 * to something that is taken again as the same. The high half of that byte makes the arena
 * small. */
#include <assert.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/codec/wire.h"

#define ARENA_BYTES (96u << 20)
#define SMALL_BYTES 192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same_offer(const struct offer *a, const struct offer *b)
{
	bool is_same = a->count == b->count;
	for (size_t i = 0; is_same && i < a->count; i++)
		is_same = a->section[i].kind == b->section[i].kind &&
		          slice_equal(a->section[i].digests, b->section[i].digests);
	return is_same;
}

static bool is_same_want(const struct want *a, const struct want *b)
{
	bool is_same = a->count == b->count;
	for (size_t i = 0; is_same && i < a->count; i++)
		is_same = a->section[i].kind == b->section[i].kind &&
		          slice_equal(a->section[i].buckets, b->section[i].buckets);
	return is_same;
}

static bool is_same_section(const struct section_facts *a, const struct section_facts *b)
{
	bool is_same = a->kind == b->kind && a->count == b->count;
	for (size_t i = 0; is_same && i < a->count; i++)
		is_same = a->fact[i].kind == a->kind && fact_equal(&a->fact[i], &b->fact[i]);
	return is_same;
}

static bool is_same_bucket(const struct bucket *a, const struct bucket *b)
{
	bool is_same = a->count == b->count && a->more == b->more;
	for (size_t i = 0; is_same && i < a->count; i++)
		is_same = is_same_section(&a->section[i], &b->section[i]);
	return is_same;
}

static bool is_same(const struct message *a, const struct message *b)
{
	if (a->kind == FRAME_OFFER)
		return is_same_offer(&a->offer, &b->offer);
	if (a->kind == FRAME_WANT)
		return is_same_want(&a->want, &b->want);
	return is_same_bucket(&a->bucket, &b->bucket);
}

/* What repeats in columns takes a byte and is many in memory, so that both do not fit at times. */
static void try_message(enum frame_kind kind, struct slice payload, struct arena *arena)
{
	struct arena *other = arena_new(ARENA_BYTES);
	struct buf encoded = BUF_INIT;
	struct message message, again;
	struct reason why;
	if (wire_decode(kind, payload, arena, &message, &why) == 0) {
		int rc = wire_encode(&message, &encoded);
		assert(rc == 0);
		rc = wire_decode(kind, buf_slice(&encoded), other, &again, &why);
		assert(rc == 0 || rc == ERR_LIMIT);
		assert(rc != 0 || is_same(&message, &again));
	}
	buf_fini(&encoded);
	arena_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum frame_kind kinds[] = {
	        FRAME_OFFER, FRAME_WANT, FRAME_BUCKET, FRAME_BUCKET};
	if (size == 0)
		return 0;
	size_t steps = data[0] >> 4;
	struct arena *arena = arena_new(steps ? steps * SMALL_BYTES : ARENA_BYTES);
	try_message(kinds[data[0] & 3], slice_of(data + 1, size - 1), arena);
	arena_free(arena);
	return 0;
}
