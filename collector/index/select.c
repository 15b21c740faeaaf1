#include "collector/index/index.h"

#include <stdlib.h>

#include "collector/index/inside.h"
#include "common/base/mem.h"

typedef bool visit_fn(void *ctx, const struct indexed_fact *indexed, const struct fact *fact);

static bool visit_group(
        const struct fact_group *group, const struct fact_match *match, visit_fn *visit, void *ctx)
{
	for (uint32_t i = 0; i < group->count; i++) {
		const struct indexed_fact *indexed = group->facts[i];
		struct fact fact;
		if (fact_decode(slice_of(indexed->bytes, indexed->len), &fact) < 0)
			continue;
		if (match->matches && !match->matches(match->ctx, &fact))
			continue;
		if (!visit(ctx, indexed, &fact))
			return false;
	}
	return true;
}

static void visit_matching(
        const struct index *index, const struct fact_match *match, visit_fn *visit, void *ctx)
{
	struct fact_group *group = index->groups[match->kind];
	if (match->name.ptr) {
		HASH_FIND(hh, index->groups[match->kind], match->name.ptr, match->name.len, group);
		if (group)
			visit_group(group, match, visit, ctx);
		return;
	}
	for (; group; group = group->hh.next) {
		struct slice name = slice_of(group->name, group->len);
		if (match->matches_name && !match->matches_name(match->ctx, name))
			continue;
		if (!visit_group(group, match, visit, ctx))
			return;
	}
}

/* Bitmaps are united all at once, which CRoaring does lazily; single hosts are added behind. */
struct union_of {
	const roaring_bitmap_t **bits;
	size_t count, cap;
	struct hostset *rest;
};

static bool take_into_union(void *ctx, const struct indexed_fact *indexed, const struct fact *fact)
{
	struct union_of *all = ctx;
	(void)fact;
	if (!indexed->hosts.bits) {
		hostset_add(all->rest, indexed->hosts.one);
		return true;
	}
	if (all->count == all->cap) {
		all->cap = all->cap ? all->cap * 2 : 64;
		all->bits = mem_resize(all->bits, all->cap * sizeof(void *));
	}
	all->bits[all->count++] = indexed->hosts.bits;
	return true;
}

struct hostset *index_select(const struct index *index, const struct fact_match *match)
{
	struct union_of all = {.rest = hostset_new()};
	visit_matching(index, match, take_into_union, &all);
	if (all.count > 0) {
		struct hostset united = {.bits = roaring_bitmap_or_many(all.count, all.bits)};
		if (!united.bits)
			abort();
		hostset_or(&united, all.rest);
		hostset_fini(all.rest);
		*all.rest = united;
	}
	free(all.bits);
	return all.rest;
}

struct each_call {
	bool (*each)(void *ctx, const struct fact *fact, const struct hostset *hosts);
	void *ctx;
};

static bool call_each(void *ctx, const struct indexed_fact *indexed, const struct fact *fact)
{
	struct each_call *call = ctx;
	return call->each(call->ctx, fact, &indexed->hosts);
}

void index_each_fact(const struct index *index, const struct fact_match *match,
        bool (*each)(void *ctx, const struct fact *fact, const struct hostset *hosts), void *ctx2)
{
	struct each_call call = {.each = each, .ctx = ctx2};
	visit_matching(index, match, call_each, &call);
}
