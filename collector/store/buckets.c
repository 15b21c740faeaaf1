/*
 * The table `buckets`: key is the kind (1) and the digest (16). Value: when it was last used, days
 * since 1970 (4, big endian), and the host that showed it first (4), then each fact in key order,
 * its length (4, big endian) and its form (fact_encode). What stands behind the first 8 bytes is
 * what the digest is of.
 */
#include "collector/store/buckets.h"

#include "collector/store/usage.h"
#include "common/base/mem.h"

#define KEY_BYTES  (1 + SECTION_DIGEST_BYTES)
#define HEAD_BYTES 8
#define DAY_NS     (86400 * INT64_C(1000000000))

static struct slice key_of(enum fact_kind kind, struct slice digest, uint8_t key[KEY_BYTES])
{
	key[0] = (uint8_t)kind;
	memcpy(key + 1, digest.ptr, SECTION_DIGEST_BYTES);
	return slice_of(key, KEY_BYTES);
}

static uint32_t day_of(int64_t time_ns)
{
	return time_ns > 0 ? (uint32_t)(time_ns / DAY_NS) : 0;
}

static bool is_digest_of(struct slice bytes, struct slice digest)
{
	uint8_t whole[SHA256_BYTES];

	digest_of(bytes, whole);
	return memcmp(whole, digest.ptr, SECTION_DIGEST_BYTES) == 0;
}

static int take_facts(struct slice rest, enum fact_kind kind, struct fact_list *out)
{
	struct slice encoded;
	struct fact fact;
	uint32_t len;

	while (rest.len > 0) {
		if (!slice_take_u32(&rest, &len) || !slice_take(&rest, len, &encoded) ||
		        fact_decode(encoded, &fact) < 0 || fact.kind != kind)
			return ERR_FORMAT;
		if (fact_list_add(out, &fact) < 0)
			return ERR_LIMIT;
	}
	return 0;
}

/* Once a day is enough. */
static int note_use(struct kv_txn *txn, struct slice key, struct slice rest, uint32_t day)
{
	struct buf value = BUF_INIT;
	int rc;

	buf_append_u32(&value, day);
	buf_append_slice(&value, rest);
	rc = kv_put(txn, STORE_BUCKETS, key, buf_slice(&value));
	buf_fini(&value);
	return rc;
}

int buckets_get(struct kv_txn *txn, enum fact_kind kind, struct slice digest, int64_t now_ns,
        struct fact_list *out)
{
	uint8_t bytes[KEY_BYTES];
	struct slice key = key_of(kind, digest, bytes), value;
	uint32_t day, owner, today = day_of(now_ns);
	int rc;

	if (is_digest_of((struct slice){0}, digest))
		return 0;
	rc = kv_get(txn, STORE_BUCKETS, key, &value);
	if (rc < 0)
		return rc;
	if (!slice_take_u32(&value, &day))
		return ERR_FORMAT;
	struct slice owned = value;
	if (!slice_take_u32(&value, &owner))
		return ERR_FORMAT;
	rc = take_facts(value, kind, out);
	return rc == 0 && day < today ? note_use(txn, key, owned, today) : rc;
}

static bool is_in_order(const struct fact *facts, size_t count)
{
	uint8_t bytes[2][FACT_KEY_MAX];
	struct slice before = {0};

	for (size_t i = 0; i < count; i++) {
		struct slice key = slice_of(bytes[i % 2], fact_key(&facts[i], bytes[i % 2]));
		if (i > 0 && slice_compare(before, key) >= 0)
			return false;
		before = key;
	}
	return true;
}

/* What the host has shown counts until nobody has used it for long. */
static int charge(struct kv_txn *txn, uint32_t host, size_t bytes, uint64_t limit_bytes)
{
	struct usage usage;
	int rc = usage_get(txn, host, &usage);

	if (rc < 0)
		return rc;
	usage.bucket_bytes += bytes;
	if (limit_bytes > 0 && usage.bucket_bytes > limit_bytes)
		return ERR_LIMIT;
	return usage_put(txn, host, &usage);
}

static int put_new(
        struct kv_txn *txn, struct slice key, struct slice value, const struct bucket_owner *owner)
{
	struct slice known;
	int rc = kv_get(txn, STORE_BUCKETS, key, &known);

	if (rc != ERR_MISSING)
		return rc;
	rc = charge(txn, owner->host, key.len + value.len, owner->limit_bytes);
	return rc == 0 ? kv_put(txn, STORE_BUCKETS, key, value) : rc;
}

int buckets_put(struct kv_txn *txn, enum fact_kind kind, struct slice digest,
        const struct fact *facts, size_t count, const struct bucket_owner *owner, int64_t now_ns)
{
	uint8_t bytes[KEY_BYTES];
	struct buf value = BUF_INIT, encoded = BUF_INIT;
	int rc = 0;

	if (!is_in_order(facts, count))
		return ERR_FORMAT;
	buf_append_u32(&value, day_of(now_ns));
	buf_append_u32(&value, owner->host);
	for (size_t i = 0; i < count; i++) {
		buf_reset(&encoded);
		fact_encode(&facts[i], &encoded);
		buf_append_u32(&value, (uint32_t)encoded.len);
		buf_append_slice(&value, buf_slice(&encoded));
	}
	if (!is_digest_of(slice_of(value.data + HEAD_BYTES, value.len - HEAD_BYTES), digest))
		rc = ERR_FORMAT;
	if (rc == 0)
		rc = put_new(txn, key_of(kind, digest, bytes), buf_slice(&value), owner);
	buf_fini(&value);
	buf_fini(&encoded);
	return rc;
}

/* A record that cannot be read goes as well. */
static int give_back(struct kv_txn *txn, struct slice key, struct slice value)
{
	size_t bytes = key.len + value.len;
	struct usage usage;
	uint32_t day, owner;
	int rc;

	if (!slice_take_u32(&value, &day) || !slice_take_u32(&value, &owner))
		return 0;
	rc = usage_get(txn, owner, &usage);
	if (rc < 0 || usage.bucket_bytes == 0)
		return rc;
	usage.bucket_bytes -= usage.bucket_bytes < bytes ? usage.bucket_bytes : bytes;
	return usage_put(txn, owner, &usage);
}

static int forget(
        struct kv_txn *txn, struct kv_cursor *cursor, struct slice key, struct slice value)
{
	int rc = give_back(txn, key, value);

	return rc == 0 ? kv_delete_here(cursor) : rc;
}

int buckets_purge(struct kv_txn *txn, int64_t before_ns)
{
	struct kv_cursor *cursor;
	struct slice key, value;
	uint32_t day;
	int rc = kv_cursor_open(txn, STORE_BUCKETS, &cursor);

	if (rc < 0)
		return rc;
	rc = kv_first(cursor, &key, &value);
	while (rc == 0) {
		struct slice rest = value;
		if (!slice_take_u32(&rest, &day) || day < day_of(before_ns))
			rc = forget(txn, cursor, key, value);
		if (rc == 0)
			rc = kv_next(cursor, &key, &value);
	}
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? 0 : rc;
}
