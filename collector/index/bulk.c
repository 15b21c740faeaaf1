#include "collector/index/index.h"

#include "collector/index/inside.h"

/*
 * What a fact needs lies all over a large heap: its hash bucket, itself, its bitmap and the
 * bitmap's containers, each reached through the one before. So a few facts go through these steps
 * side by side, and the next step of each finds its memory fetched.
 */
#define SIDE_BY_SIDE 16

struct lookup {
	unsigned hash;
	size_t at, len; /* of the canonical form, in index->scratch */
	struct indexed_fact *found;
};

static void fetch_bucket(const struct index *index, const struct lookup *lookup)
{
	const UT_hash_table *table = index->facts ? index->facts->hh.tbl : NULL;
	if (table)
		__builtin_prefetch(&table->buckets[lookup->hash & (table->num_buckets - 1)]);
}

static void fetch_head(const struct index *index, const struct lookup *lookup)
{
	const UT_hash_table *table = index->facts ? index->facts->hh.tbl : NULL;
	if (!table)
		return;
	const char *head =
	        (const char *)table->buckets[lookup->hash & (table->num_buckets - 1)].hh_head;
	if (!head)
		return;
	__builtin_prefetch(head);
	__builtin_prefetch(head + 64);
	__builtin_prefetch(head + 128);
}

static void find_side_by_side(struct index *index, const struct fact *facts, size_t count,
        struct lookup lookups[SIDE_BY_SIDE])
{
	struct buf *forms = &index->scratch;
	buf_reset(forms);
	for (size_t i = 0; i < count; i++) {
		struct lookup *lookup = &lookups[i];
		lookup->at = forms->len;
		fact_encode(&facts[i], forms);
		lookup->len = forms->len - lookup->at;
		lookup->hash = index_hash(forms->data + lookup->at, lookup->len);
		fetch_bucket(index, lookup);
	}
	for (size_t i = 0; i < count; i++)
		fetch_head(index, &lookups[i]);
	for (size_t i = 0; i < count; i++) {
		struct lookup *lookup = &lookups[i];
		HASH_FIND_BYHASHVALUE(hh, index->facts, forms->data + lookup->at, lookup->len,
		        lookup->hash, lookup->found);
		if (lookup->found)
			__builtin_prefetch(lookup->found->hosts.bits);
	}
	for (size_t i = 0; i < count; i++)
		if (lookups[i].found)
			hostset_fetch(&lookups[i].found->hosts);
	for (size_t i = 0; i < count; i++)
		if (lookups[i].found)
			hostset_fetch_last(&lookups[i].found->hosts);
}

void index_facts_begin(struct index *index, uint32_t id, const struct fact *facts, size_t count)
{
	struct known_host *host = index_changing_host(index, id);
	struct lookup lookups[SIDE_BY_SIDE];
	while (host && count > 0) {
		size_t some = count < SIDE_BY_SIDE ? count : SIDE_BY_SIDE;
		find_side_by_side(index, facts, some, lookups);
		for (size_t i = 0; i < some; i++) {
			if (lookups[i].found)
				host->facts += hostset_put(&lookups[i].found->hosts, id);
			else
				index_fact_begins(index, id, &facts[i]);
		}
		facts += some;
		count -= some;
	}
}
