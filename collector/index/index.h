/*
 * index - the fleet in memory: each distinct fact once, with the bitmap of hosts that hold it.
 *
 * Rebuilt from the store at start (index_facts_begin for every host) and kept up with each
 * committed batch. Host numbers are the store's. CRoaring names stay in collector/index. A fact is
 * known by its canonical form: when one of the same key replaces another, both calls are needed.
 *
 * Facts of a host that was not added, or was removed, are ignored: an answer names only hosts that
 * can be found.
 *
 * Owner    owns fact texts and bitmaps; results that callers get are theirs (hostset_free).
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_INDEX_INDEX_H
#define TSUJIBAN_COLLECTOR_INDEX_INDEX_H

#include "common/model/fact.h"

struct index;
struct hostset;

struct index *index_new(void);
void index_free(struct index *index);

/* A host that can be found (enrolled, not revoked). Adding it again renames nothing and costs
 * nothing. */
void index_add_host(struct index *index, uint32_t host, struct slice name);
/* It and all its facts are gone from every answer. */
void index_remove_host(struct index *index, uint32_t host);
void index_fact_begins(struct index *index, uint32_t host, const struct fact *fact);
/* The same for all facts of a host at once, as at start: in less than half the time, because memory
 * is fetched ahead. */
void index_facts_begin(struct index *index, uint32_t host, const struct fact *facts, size_t count);
void index_fact_ends(struct index *index, uint32_t host, const struct fact *fact);
/* A new stream: the host stays, its facts go. */
void index_clear_host(struct index *index, uint32_t host);

size_t index_host_count(const struct index *index);
size_t index_fact_count(const struct index *index);
/* Bytes of bitmaps and texts, about. */
size_t index_bytes(const struct index *index);
/* Absent slice: no such host. */
struct slice index_host_name(const struct index *index, uint32_t host);
bool index_find_host(const struct index *index, struct slice name, uint32_t *out_host);

/* How many hosts hold exactly this fact. */
uint64_t index_holders(const struct index *index, const struct fact *fact);

/* With a seed of this process: for tables of what hosts send, so that no host can make it collide.
 */
unsigned index_hash(const void *key, size_t len);

/* --- sets of hosts ------------------------------------------------------------------------- */

struct hostset *hostset_new(void);
void hostset_free(struct hostset *set);
struct hostset *hostset_all(const struct index *index);
void hostset_add(struct hostset *set, uint32_t host);
bool hostset_has(const struct hostset *set, uint32_t host);
uint64_t hostset_count(const struct hostset *set);
void hostset_and(struct hostset *set, const struct hostset *other);
void hostset_or(struct hostset *set, const struct hostset *other);
/* All hosts of the index that are not in it. */
void hostset_not(struct hostset *set, const struct index *index);
/* In ascending order from `from` on, until `each` answers false. */
void hostset_each(const struct hostset *set, uint32_t from, bool (*each)(void *ctx, uint32_t host),
        void *ctx);

/* --- asking -------------------------------------------------------------------------------- */

/* The hosts that hold any fact of the kind that `matches` accepts; `key` (a name: the package's,
 * label's or host fact's name, the kernel's release, the os id) narrows it down without looking at
 * others: absent looks at all of the kind. Also collects the facts that matched, if wanted. */
struct fact_match {
	enum fact_kind kind;
	struct slice name;
	bool (*matches)(void *ctx, const struct fact *fact); /* NULL: all */
	void *ctx;
	/* Asked once a name, before its facts are looked at, where `name` is absent; NULL: all. */
	bool (*matches_name)(void *ctx, struct slice name);
};
struct hostset *index_select(const struct index *index, const struct fact_match *match);
/* The same facts one by one with their hosts (borrowed for the call), until `each` answers false.
 */
void index_each_fact(const struct index *index, const struct fact_match *match,
        bool (*each)(void *ctx, const struct fact *fact, const struct hostset *hosts), void *ctx2);

#endif
