#include "common/model/section.h"

#include <stdlib.h>

#include "common/base/err.h"
#include "common/base/mem.h"

#define BUCKET_FACTS_MAX 4096

bool section_is_synced(enum fact_kind kind)
{
	return fact_kind_name(kind) && kind != FACT_LABEL;
}

/* --- sums ------------------------------------------------------------------------------------- */

static void lanes_of(struct slice encoded, uint64_t out[4])
{
	uint8_t digest[SHA256_BYTES];
	digest_of(encoded, digest);
	for (unsigned i = 0; i < 4; i++) {
		out[i] = 0;
		for (unsigned k = 0; k < 8; k++)
			out[i] = out[i] << 8 | digest[8 * i + k];
	}
}

void section_sum_add(struct section_sum *sum, struct slice encoded_fact)
{
	uint64_t lane[4];
	lanes_of(encoded_fact, lane);
	for (unsigned i = 0; i < 4; i++)
		sum->lane[i] += lane[i];
	sum->count++;
}

void section_sum_take(struct section_sum *sum, struct slice encoded_fact)
{
	uint64_t lane[4];
	lanes_of(encoded_fact, lane);
	for (unsigned i = 0; i < 4; i++)
		sum->lane[i] -= lane[i];
	sum->count--;
}

int section_sum_add_fact(void *sum, const struct fact *fact)
{
	struct buf encoded = BUF_INIT;
	fact_encode(fact, &encoded);
	section_sum_add(sum, buf_slice(&encoded));
	buf_fini(&encoded);
	return 0;
}

void section_sum_append(const struct section_sum *sum, struct buf *out)
{
	for (unsigned i = 0; i < 4; i++)
		buf_append_u64(out, sum->lane[i]);
	buf_append_u64(out, sum->count);
}

int section_sum_read(struct slice bytes, struct section_sum *out)
{
	struct section_sum sum;
	for (unsigned i = 0; i < 4; i++)
		if (!slice_take_u64(&bytes, &sum.lane[i]))
			return ERR_FORMAT;
	if (!slice_take_u64(&bytes, &sum.count) || bytes.len != 0)
		return ERR_FORMAT;
	*out = sum;
	return 0;
}

void section_root(const struct section_sum sums[FACT_KIND_MAX + 1], uint8_t out[SECTION_ROOT_BYTES])
{
	struct buf all = BUF_INIT;
	uint8_t whole[SHA256_BYTES];
	for (unsigned kind = 1; kind <= FACT_KIND_MAX; kind++) {
		if (!section_is_synced((enum fact_kind)kind) || sums[kind].count == 0)
			continue;
		buf_append_byte(&all, (uint8_t)kind);
		section_sum_append(&sums[kind], &all);
	}
	digest_of(buf_slice(&all), whole);
	memcpy(out, whole, SECTION_ROOT_BYTES);
	buf_fini(&all);
}

/* --- buckets ---------------------------------------------------------------------------------- */

unsigned section_bucket_count(enum fact_kind kind, uint64_t facts)
{
	unsigned count = kind == FACT_PACKAGE || kind == FACT_INSTALL ? 16
	                 : kind == FACT_UNIT || kind == FACT_MODULE   ? 4
	                                                              : 1;
	while (count < SECTION_BUCKETS_MAX && facts > (uint64_t)count * BUCKET_FACTS_MAX)
		count *= 2;
	return count;
}

unsigned section_bucket_of_key(struct slice fact_key, unsigned bucket_count)
{
	uint8_t digest[SHA256_BYTES];
	digest_of(fact_key, digest);
	return digest[0] & (bucket_count - 1);
}

unsigned section_bucket_of(const struct fact *fact, unsigned bucket_count)
{
	uint8_t key[FACT_KEY_MAX];
	if (bucket_count == 1)
		return 0;
	return section_bucket_of_key(slice_of(key, fact_key(fact, key)), bucket_count);
}

struct section_digests {
	unsigned count;
	struct buf encoded;
	struct digest *digest[SECTION_BUCKETS_MAX];
};

struct section_digests *section_digests_new(unsigned bucket_count)
{
	struct section_digests *digests = mem_new(sizeof(*digests));
	digests->count = bucket_count;
	for (unsigned i = 0; i < bucket_count; i++) {
		digests->digest[i] = digest_new();
		digest_start(digests->digest[i]);
	}
	return digests;
}

void section_digests_add(struct section_digests *digests, unsigned bucket, struct slice encoded)
{
	uint8_t len[4] = {(uint8_t)(encoded.len >> 24), (uint8_t)(encoded.len >> 16),
	        (uint8_t)(encoded.len >> 8), (uint8_t)encoded.len};
	digest_update(digests->digest[bucket], len, sizeof(len));
	digest_update(digests->digest[bucket], encoded.ptr, encoded.len);
}

int section_digests_add_fact(void *ctx, const struct fact *fact)
{
	struct section_digests *digests = ctx;
	buf_reset(&digests->encoded);
	fact_encode(fact, &digests->encoded);
	section_digests_add(
	        digests, section_bucket_of(fact, digests->count), buf_slice(&digests->encoded));
	return 0;
}

void section_digests_finish(struct section_digests *digests, struct buf *out)
{
	uint8_t whole[SHA256_BYTES];
	for (unsigned i = 0; i < digests->count; i++) {
		digest_finish(digests->digest[i], whole);
		digest_free(digests->digest[i]);
		if (out)
			buf_append(out, whole, SECTION_DIGEST_BYTES);
	}
	buf_fini(&digests->encoded);
	free(digests);
}
