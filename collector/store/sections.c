/*
 * The table `sections`: key is the host id (4, big endian) and the kind (1), value is the section's
 * sum (common/model/section.h). Where there is none, as in a store of before, it is counted anew.
 */
#include "collector/store/sections.h"

#include "collector/store/hostfacts.h"
#include "collector/store/hostkey.h"

#define KEY_BYTES (STORE_HOST_ID_BYTES + 1)

static struct slice key_of(uint32_t host, enum fact_kind kind, uint8_t key[KEY_BYTES])
{
	hostkey_put_u32(key, host);
	key[STORE_HOST_ID_BYTES] = (uint8_t)kind;
	return slice_of(key, KEY_BYTES);
}

/* --- sums ------------------------------------------------------------------------------------- */

static int read_sum(struct kv_txn *txn, uint32_t host, enum fact_kind kind, struct section_sum *out)
{
	uint8_t key[KEY_BYTES];
	struct slice value;
	int rc = kv_get(txn, STORE_SECTIONS, key_of(host, kind, key), &value);

	*out = (struct section_sum){0};
	if (rc == ERR_MISSING)
		return picture_facts(txn, host, kind, section_sum_add_fact, out);
	return rc < 0 ? rc : section_sum_read(value, out);
}

static int write_sum(
        struct kv_txn *txn, uint32_t host, enum fact_kind kind, const struct section_sum *sum)
{
	uint8_t key[KEY_BYTES];
	struct buf value = BUF_INIT;
	int rc;

	section_sum_append(sum, &value);
	rc = kv_put(txn, STORE_SECTIONS, key_of(host, kind, key), buf_slice(&value));
	buf_fini(&value);
	return rc;
}

int sections_change(struct kv_txn *txn, uint32_t host, enum fact_kind kind, struct slice before,
        struct slice after)
{
	struct section_sum sum;
	int rc;

	if (!section_is_synced(kind))
		return 0;
	rc = read_sum(txn, host, kind, &sum);
	if (rc < 0)
		return rc;
	if (before.ptr)
		section_sum_take(&sum, before);
	if (after.ptr)
		section_sum_add(&sum, after);
	return write_sum(txn, host, kind, &sum);
}

int sections_root(struct kv_txn *txn, uint32_t host, uint8_t out[SECTION_ROOT_BYTES])
{
	struct section_sum sums[FACT_KIND_MAX + 1] = {0};
	int rc = 0;

	for (unsigned kind = 1; rc == 0 && kind <= FACT_KIND_MAX; kind++)
		if (section_is_synced((enum fact_kind)kind))
			rc = read_sum(txn, host, (enum fact_kind)kind, &sums[kind]);
	if (rc == 0)
		section_root(sums, out);
	return rc;
}

int sections_count(struct kv_txn *txn, uint32_t host, enum fact_kind kind, uint64_t *out)
{
	struct section_sum sum;
	int rc = read_sum(txn, host, kind, &sum);

	if (rc == 0)
		*out = sum.count;
	return rc;
}

int sections_clear(struct kv_txn *txn, uint32_t host)
{
	uint8_t prefix[STORE_HOST_ID_BYTES];

	hostkey_put_u32(prefix, host);
	return hostkey_delete_all(txn, STORE_SECTIONS, slice_of(prefix, sizeof(prefix)));
}

/* --- buckets ---------------------------------------------------------------------------------- */

int sections_digests(struct kv_txn *txn, uint32_t host, enum fact_kind kind, unsigned bucket_count,
        struct buf *out)
{
	struct section_digests *digests = section_digests_new(bucket_count);
	int rc = picture_facts(txn, host, kind, section_digests_add_fact, digests);

	section_digests_finish(digests, out);
	return rc;
}

static int delete_buckets(struct kv_txn *txn, uint32_t host, enum fact_kind kind,
        unsigned bucket_count, const bool *is_replaced)
{
	uint8_t bytes[KEY_BYTES];
	struct slice prefix = key_of(host, kind, bytes), key, value;
	struct kv_cursor *cursor;
	struct fact fact;
	int rc = kv_cursor_open(txn, STORE_FACTS, &cursor);

	if (rc < 0)
		return rc;
	rc = kv_seek(cursor, prefix, &key, &value);
	while (rc == 0 && slice_starts_with(key, prefix)) {
		rc = fact_decode(value, &fact);
		if (rc == 0 && is_replaced[section_bucket_of(&fact, bucket_count)])
			rc = kv_delete_here(cursor);
		if (rc == 0)
			rc = kv_next(cursor, &key, &value);
	}
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? 0 : rc;
}

int sections_replace(struct kv_txn *txn, uint32_t host, enum fact_kind kind, unsigned bucket_count,
        const bool is_replaced[SECTION_BUCKETS_MAX], const struct fact *facts, size_t count)
{
	struct section_sum sum = {0};
	int rc = delete_buckets(txn, host, kind, bucket_count, is_replaced);

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = hostfacts_put(txn, host, &facts[i]);
	if (rc == 0)
		rc = picture_facts(txn, host, kind, section_sum_add_fact, &sum);
	return rc < 0 ? rc : write_sum(txn, host, kind, &sum);
}
