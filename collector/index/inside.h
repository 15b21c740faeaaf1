/*
 * inside - what the files of collector/index share.
 */
#ifndef TSUJIBAN_COLLECTOR_INDEX_INSIDE_H
#define TSUJIBAN_COLLECTOR_INDEX_INSIDE_H

#include <roaring/roaring.h>

#include "collector/index/index.h"

/* What outsiders send is hashed with a seed of this process, so that nobody can make it collide. */
#define HASH_FUNCTION(key, len, hash) ((hash) = index_hash((key), (len)))
#include <uthash.h>

/* A set of no or one host needs no bitmap: facts that differ on every host (machine id, boot id)
 * would otherwise cost several times their own text. */
struct hostset {
	roaring_bitmap_t *bits; /* NULL: nothing but `one` */
	uint32_t one;
	bool has_one; /* false while there are bits */
};

struct indexed_fact {
	UT_hash_handle hh; /* by bytes, the canonical form */
	struct fact_group *group;
	struct hostset hosts; /* never empty */
	uint32_t place;       /* in the group's facts */
	uint32_t len;
	uint8_t bytes[];
};

/* The facts of one kind and name, in no order. Never empty. */
struct fact_group {
	UT_hash_handle hh; /* by name, within the kind */
	struct indexed_fact **facts;
	uint32_t count, cap;
	uint32_t len;
	uint8_t name[];
};

struct known_host {
	UT_hash_handle by_id, by_name;
	uint32_t id;
	uint32_t facts; /* it holds; so that clearing a new host, which has none, costs nothing */
	uint32_t len;
	uint8_t name[];
};

struct index {
	struct known_host *by_id, *by_name;
	struct known_host *recent; /* changes come host by host; may be NULL */
	struct hostset *all;
	struct indexed_fact *facts;
	struct fact_group *groups[FACT_KIND_MAX + 1];
	struct buf scratch;
};

/* NULL: not added. Quick for the same host as last time. */
struct known_host *index_changing_host(struct index *index, uint32_t id);

/* Gives back what it holds, not the struct. */
void hostset_fini(struct hostset *set);
/* As hostset_add and its opposite; whether that changed anything. */
bool hostset_put(struct hostset *set, uint32_t host);
bool hostset_remove(struct hostset *set, uint32_t host);
/* Have the memory fetched that a put behind its last host will touch; the second follows what the
 * first has fetched. */
void hostset_fetch(const struct hostset *set);
void hostset_fetch_last(const struct hostset *set);
bool hostset_is_empty(const struct hostset *set);
size_t hostset_bytes(const struct hostset *set);

#endif
