#include "collector/index/index.h"

#include <stdlib.h>

#include "collector/index/inside.h"
#include "common/base/log.h"
#include "common/base/mem.h"

/* CRoaring answers NULL where memory ran out: see mem.h for why that is the end. */
static roaring_bitmap_t *must_have(roaring_bitmap_t *bits)
{
	if (!bits) {
		log_error("cannot hold a set of hosts: out of memory");
		abort();
	}
	return bits;
}

static void grow_into_bitmap(struct hostset *set)
{
	if (set->bits)
		return;
	set->bits = must_have(roaring_bitmap_create());
	if (set->has_one)
		roaring_bitmap_add(set->bits, set->one);
	set->has_one = false;
}

struct hostset *hostset_new(void)
{
	return mem_new(sizeof(struct hostset));
}

void hostset_fini(struct hostset *set)
{
	if (set->bits)
		roaring_bitmap_free(set->bits);
	*set = (struct hostset){0};
}

void hostset_free(struct hostset *set)
{
	if (!set)
		return;
	hostset_fini(set);
	free(set);
}

struct hostset *hostset_all(const struct index *index)
{
	struct hostset *set = hostset_new();
	hostset_or(set, index->all);
	return set;
}

bool hostset_put(struct hostset *set, uint32_t host)
{
	if (!set->bits && !set->has_one) {
		set->one = host;
		set->has_one = true;
		return true;
	}
	if (!set->bits && set->one == host)
		return false;
	grow_into_bitmap(set);
	return roaring_bitmap_add_checked(set->bits, host);
}

void hostset_add(struct hostset *set, uint32_t host)
{
	hostset_put(set, host);
}

bool hostset_remove(struct hostset *set, uint32_t host)
{
	if (set->bits)
		return roaring_bitmap_remove_checked(set->bits, host);
	if (!set->has_one || set->one != host)
		return false;
	set->has_one = false;
	return true;
}

void hostset_fetch(const struct hostset *set)
{
	if (!set->bits)
		return;
	const roaring_array_t *chunks = &set->bits->high_low_container;
	__builtin_prefetch(chunks->keys);
	__builtin_prefetch(chunks->typecodes);
	__builtin_prefetch(chunks->containers);
}

void hostset_fetch_last(const struct hostset *set)
{
	if (!set->bits)
		return;
	const roaring_array_t *chunks = &set->bits->high_low_container;
	if (chunks->size > 0)
		__builtin_prefetch(chunks->containers[chunks->size - 1]);
}

bool hostset_has(const struct hostset *set, uint32_t host)
{
	if (set->bits)
		return roaring_bitmap_contains(set->bits, host);
	return set->has_one && set->one == host;
}

bool hostset_is_empty(const struct hostset *set)
{
	return set->bits ? roaring_bitmap_is_empty(set->bits) : !set->has_one;
}

uint64_t hostset_count(const struct hostset *set)
{
	return set->bits ? roaring_bitmap_get_cardinality(set->bits) : set->has_one;
}

size_t hostset_bytes(const struct hostset *set)
{
	return set->bits ? sizeof(*set->bits) + roaring_bitmap_size_in_bytes(set->bits) : 0;
}

void hostset_and(struct hostset *set, const struct hostset *other)
{
	if (set->bits && other->bits) {
		roaring_bitmap_and_inplace(set->bits, other->bits);
		return;
	}
	const struct hostset *small = set->bits ? other : set;
	const struct hostset *beside = set->bits ? set : other;
	bool keeps = small->has_one && hostset_has(beside, small->one);
	uint32_t one = small->one;
	hostset_fini(set);
	set->has_one = keeps;
	set->one = one;
}

void hostset_or(struct hostset *set, const struct hostset *other)
{
	if (!other->bits) {
		if (other->has_one)
			hostset_add(set, other->one);
		return;
	}
	if (set->bits) {
		roaring_bitmap_or_inplace(set->bits, other->bits);
		return;
	}
	set->bits = must_have(roaring_bitmap_copy(other->bits));
	if (set->has_one)
		roaring_bitmap_add(set->bits, set->one);
	set->has_one = false;
}

void hostset_not(struct hostset *set, const struct index *index)
{
	struct hostset *rest = hostset_all(index);
	if (set->bits && rest->bits)
		roaring_bitmap_andnot_inplace(rest->bits, set->bits);
	else if (set->has_one)
		hostset_remove(rest, set->one);
	else if (rest->has_one && hostset_has(set, rest->one))
		rest->has_one = false;
	hostset_fini(set);
	*set = *rest;
	free(rest);
}

void hostset_each(
        const struct hostset *set, uint32_t from, bool (*each)(void *ctx, uint32_t host), void *ctx)
{
	if (!set->bits) {
		if (set->has_one && set->one >= from)
			each(ctx, set->one);
		return;
	}
	roaring_uint32_iterator_t at;
	roaring_init_iterator(set->bits, &at);
	if (!roaring_move_uint32_iterator_equalorlarger(&at, from))
		return;
	while (at.has_value && each(ctx, at.current_value))
		roaring_advance_uint32_iterator(&at);
}
