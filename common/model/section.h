/*
 * section - all facts of one kind of a host, and how two sides find out cheaply whether they have
 * the same.
 *
 *   sum      SHA-256 of each fact's canonical form, added up in four lanes of 64 bits: kept up with
 *            each change, whatever the order. It tells a host's own picture from what the host
 *            says; it would not stop somebody who looks for another set with the same sum.
 *   root     SHA-256 over the sums of all sections, cut to 16 bytes: what a greeting carries.
 *   bucket   the facts of a section whose keys hash to one of 2^n places.
 *   digest   of a bucket: SHA-256 over its facts' canonical forms in key order, each behind its
 *            length, cut to 16 bytes. What it names may come from another host, so that it has to
 *            withstand being forged.
 *
 * Labels are no section: those of a token are the collector's own.
 *
 * Thread   any; no state but the caller's.
 */
#ifndef TSUJIBAN_COMMON_MODEL_SECTION_H
#define TSUJIBAN_COMMON_MODEL_SECTION_H

#include "common/base/digest.h"
#include "common/model/fact.h"

#define SECTION_BUCKETS_MAX  256
#define SECTION_FACTS_MAX    (1u << 18)
#define SECTION_DIGEST_BYTES 16
#define SECTION_ROOT_BYTES   16
#define SECTION_SUM_BYTES    40 /* as stores keep it: four lanes and the count, big endian */

struct section_sum {
	uint64_t lane[4];
	uint64_t count;
};

bool section_is_synced(enum fact_kind kind);

void section_sum_add(struct section_sum *sum, struct slice encoded_fact);
void section_sum_take(struct section_sum *sum, struct slice encoded_fact);
/* Of a struct section_sum; 0. In the form that what calls for each fact asks for. */
int section_sum_add_fact(void *sum, const struct fact *fact);
void section_sum_append(const struct section_sum *sum, struct buf *out);
/* ERR_FORMAT when the bytes are none. */
int section_sum_read(struct slice bytes, struct section_sum *out);
/* By kind; sections without facts do not count. */
void section_root(
        const struct section_sum sums[FACT_KIND_MAX + 1], uint8_t out[SECTION_ROOT_BYTES]);

/* Depends on the kind and, beyond some thousands a bucket, on how many facts there are: the same on
 * hosts that have nearly the same. A power of two. */
unsigned section_bucket_count(enum fact_kind kind, uint64_t facts);
unsigned section_bucket_of_key(struct slice fact_key, unsigned bucket_count);
unsigned section_bucket_of(const struct fact *fact, unsigned bucket_count);

/* The digests of a section's buckets; facts are added in key order. */
struct section_digests;
struct section_digests *section_digests_new(unsigned bucket_count);
void section_digests_add(struct section_digests *digests, unsigned bucket, struct slice encoded);
int section_digests_add_fact(void *digests, const struct fact *fact); /* as section_sum_add_fact */
/* Appends SECTION_DIGEST_BYTES for each bucket, in order, and ends it. `out` NULL: only ends. */
void section_digests_finish(struct section_digests *digests, struct buf *out);

#endif
