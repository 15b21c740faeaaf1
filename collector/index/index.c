#include "collector/index/index.h"

#include <pthread.h>
#include <stdlib.h>

#include "collector/index/inside.h"
#include "common/base/digest.h"
#include "common/base/mem.h"

/* --- hashing ------------------------------------------------------------------------------- */

static uint64_t hash_seed[2];
static pthread_once_t hash_seed_once = PTHREAD_ONCE_INIT;

static void make_hash_seed(void)
{
	random_bytes(hash_seed, sizeof(hash_seed));
}

/* 64 x 64 -> 128 bits folded: the mixing step of wyhash (github.com/wangyi-fudan/wyhash). */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

unsigned index_hash(const void *key, size_t len)
{
	const uint8_t *at = key;
	uint64_t hash = hash_seed[0] ^ len;
	for (; len > 8; at += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, at, 8);
		hash = mix(word ^ hash_seed[1], hash ^ 0x9e3779b97f4a7c15u);
	}
	uint64_t last = 0;
	memcpy(&last, at, len);
	hash = mix(last ^ hash_seed[1], hash ^ 0xd1b54a32d192ed03u);
	return (unsigned)(hash ^ (hash >> 32));
}

/* --- life ---------------------------------------------------------------------------------- */

struct index *index_new(void)
{
	pthread_once(&hash_seed_once, make_hash_seed);
	struct index *index = mem_new(sizeof(*index));
	index->all = hostset_new();
	buf_init(&index->scratch);
	return index;
}

static void free_groups(struct fact_group *groups)
{
	struct fact_group *group = groups, *next;
	HASH_CLEAR(hh, groups);
	for (; group; group = next) {
		next = group->hh.next;
		free(group->facts);
		free(group);
	}
}

static void free_hosts(struct index *index)
{
	struct known_host *host = index->by_id, *next;
	HASH_CLEAR(by_name, index->by_name);
	HASH_CLEAR(by_id, index->by_id);
	for (; host; host = next) {
		next = host->by_id.next;
		free(host);
	}
}

void index_free(struct index *index)
{
	if (!index)
		return;
	struct indexed_fact *fact = index->facts, *next;
	HASH_CLEAR(hh, index->facts);
	for (; fact; fact = next) {
		next = fact->hh.next;
		hostset_fini(&fact->hosts);
		free(fact);
	}
	for (unsigned kind = 0; kind <= FACT_KIND_MAX; kind++)
		free_groups(index->groups[kind]);
	free_hosts(index);
	hostset_free(index->all);
	buf_fini(&index->scratch);
	free(index);
}

/* --- hosts --------------------------------------------------------------------------------- */

static struct known_host *find_host(const struct index *index, uint32_t id)
{
	struct known_host *host;
	HASH_FIND(by_id, index->by_id, &id, sizeof(id), host);
	return host;
}

struct known_host *index_changing_host(struct index *index, uint32_t id)
{
	if (!index->recent || index->recent->id != id)
		index->recent = find_host(index, id);
	return index->recent;
}

void index_add_host(struct index *index, uint32_t id, struct slice name)
{
	if (find_host(index, id))
		return;
	struct known_host *host = mem_new(sizeof(*host) + name.len);
	host->id = id;
	host->len = (uint32_t)name.len;
	memcpy(host->name, name.ptr, name.len);
	HASH_ADD(by_id, index->by_id, id, sizeof(host->id), host);
	HASH_ADD_KEYPTR(by_name, index->by_name, host->name, host->len, host);
	hostset_add(index->all, id);
}

void index_remove_host(struct index *index, uint32_t id)
{
	struct known_host *host = find_host(index, id);
	if (!host)
		return;
	index_clear_host(index, id);
	hostset_remove(index->all, id);
	index->recent = NULL;
	HASH_DELETE(by_id, index->by_id, host);
	HASH_DELETE(by_name, index->by_name, host);
	free(host);
}

size_t index_host_count(const struct index *index)
{
	return HASH_CNT(by_id, index->by_id);
}

struct slice index_host_name(const struct index *index, uint32_t id)
{
	const struct known_host *host = find_host(index, id);
	return host ? slice_of(host->name, host->len) : slice_of(NULL, 0);
}

bool index_find_host(const struct index *index, struct slice name, uint32_t *out_host)
{
	struct known_host *host;
	HASH_FIND(by_name, index->by_name, name.ptr, name.len, host);
	if (host)
		*out_host = host->id;
	return host != NULL;
}

/* --- facts --------------------------------------------------------------------------------- */

static struct fact_group *need_group(struct index *index, enum fact_kind kind, struct slice name)
{
	struct fact_group *group;
	HASH_FIND(hh, index->groups[kind], name.ptr, name.len, group);
	if (group)
		return group;
	group = mem_new(sizeof(*group) + name.len);
	group->len = (uint32_t)name.len;
	if (name.len)
		memcpy(group->name, name.ptr, name.len);
	HASH_ADD_KEYPTR(hh, index->groups[kind], group->name, group->len, group);
	return group;
}

static void join_group(struct fact_group *group, struct indexed_fact *fact)
{
	if (group->count == group->cap) {
		group->cap = group->cap ? group->cap * 2 : 2;
		group->facts = mem_resize(group->facts, group->cap * sizeof(void *));
	}
	fact->group = group;
	fact->place = group->count;
	group->facts[group->count++] = fact;
}

static void leave_group(struct index *index, struct indexed_fact *fact)
{
	struct fact_group *group = fact->group;
	struct indexed_fact *last = group->facts[--group->count];
	group->facts[fact->place] = last;
	last->place = fact->place;
	if (group->count > 0)
		return;
	HASH_DEL(
	        index->groups[fact->bytes[0]], group); /* the canonical form begins with the kind */
	free(group->facts);
	free(group);
}

static struct indexed_fact *find_fact(
        struct index *index, const struct fact *fact, unsigned *out_hash)
{
	struct indexed_fact *found;
	buf_reset(&index->scratch);
	fact_encode(fact, &index->scratch);
	const struct buf *form = &index->scratch;
	*out_hash = index_hash(form->data, form->len);
	HASH_FIND_BYHASHVALUE(hh, index->facts, form->data, form->len, *out_hash, found);
	return found;
}

uint64_t index_holders(const struct index *index, const struct fact *fact)
{
	struct indexed_fact *found;
	struct buf form = BUF_INIT;
	fact_encode(fact, &form);
	HASH_FIND(hh, index->facts, form.data, form.len, found);
	buf_fini(&form);
	return found ? hostset_count(&found->hosts) : 0;
}

static void drop_fact(struct index *index, struct indexed_fact *fact)
{
	leave_group(index, fact);
	HASH_DEL(index->facts, fact);
	hostset_fini(&fact->hosts);
	free(fact);
}

static struct indexed_fact *new_fact(struct index *index, const struct fact *fact, unsigned hash)
{
	struct slice form = buf_slice(&index->scratch);
	struct indexed_fact *indexed = mem_new(sizeof(*indexed) + form.len);
	indexed->len = (uint32_t)form.len;
	memcpy(indexed->bytes, form.ptr, form.len);
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, index->facts, indexed->bytes, indexed->len, hash, indexed);
	join_group(need_group(index, fact->kind, fact_name(fact)), indexed);
	return indexed;
}

void index_fact_begins(struct index *index, uint32_t id, const struct fact *fact)
{
	struct known_host *host = index_changing_host(index, id);
	if (!host || !fact_is_searched(fact->kind))
		return;
	unsigned hash;
	struct indexed_fact *indexed = find_fact(index, fact, &hash);
	if (!indexed)
		indexed = new_fact(index, fact, hash);
	host->facts += hostset_put(&indexed->hosts, id);
}

static void end_fact(struct index *index, struct known_host *host, struct indexed_fact *fact)
{
	host->facts -= hostset_remove(&fact->hosts, host->id);
	if (hostset_is_empty(&fact->hosts))
		drop_fact(index, fact);
}

void index_fact_ends(struct index *index, uint32_t id, const struct fact *fact)
{
	struct known_host *host = index_changing_host(index, id);
	if (!host || !fact_is_searched(fact->kind))
		return;
	unsigned hash;
	struct indexed_fact *indexed = find_fact(index, fact, &hash);
	if (indexed)
		end_fact(index, host, indexed);
}

void index_clear_host(struct index *index, uint32_t id)
{
	struct known_host *host = index_changing_host(index, id);
	struct indexed_fact *fact = index->facts, *next;
	for (; fact && host && host->facts > 0; fact = next) {
		next = fact->hh.next;
		if (hostset_has(&fact->hosts, id))
			end_fact(index, host, fact);
	}
}

size_t index_fact_count(const struct index *index)
{
	return HASH_COUNT(index->facts);
}

size_t index_bytes(const struct index *index)
{
	size_t bytes = HASH_OVERHEAD(hh, index->facts);
	for (const struct indexed_fact *fact = index->facts; fact; fact = fact->hh.next)
		bytes += sizeof(*fact) + sizeof(void *) + fact->len + hostset_bytes(&fact->hosts);
	for (unsigned kind = 0; kind <= FACT_KIND_MAX; kind++) {
		const struct fact_group *group = index->groups[kind];
		for (; group; group = group->hh.next)
			bytes += sizeof(*group) + group->len;
	}
	const struct known_host *host = index->by_id;
	for (; host; host = host->by_id.next)
		bytes += sizeof(*host) + host->len;
	return bytes;
}
