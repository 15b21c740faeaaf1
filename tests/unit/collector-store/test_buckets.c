#include "fixture.h"

#include "collector/store/buckets.h"
#include "collector/store/usage.h"

#define DAY_NS (86400 * INT64_C(1000000000))
#define NOW_NS (1000 * DAY_NS)

static const struct bucket_owner OWNER = {.host = 7};

static struct kv_txn *txn;
static struct arena *arena;

static struct fact module(const char *name)
{
	return (struct fact){.kind = FACT_MODULE, .field = {slice_text(name), slice_text("1")}};
}

static struct slice digest_facts(
        const struct fact *facts, size_t count, uint8_t out[SECTION_DIGEST_BYTES])
{
	struct section_digests *digests = section_digests_new(1);
	struct buf encoded = BUF_INIT, bytes = BUF_INIT;
	for (size_t i = 0; i < count; i++) {
		buf_reset(&encoded);
		fact_encode(&facts[i], &encoded);
		section_digests_add(digests, 0, buf_slice(&encoded));
	}
	section_digests_finish(digests, &bytes);
	memcpy(out, bytes.data, SECTION_DIGEST_BYTES);
	buf_fini(&encoded);
	buf_fini(&bytes);
	return slice_of(out, SECTION_DIGEST_BYTES);
}

static int get(struct slice digest, int64_t now_ns, struct fact_list *out)
{
	*out = (struct fact_list){.arena = arena};
	return buckets_get(txn, FACT_MODULE, digest, now_ns, out);
}

static void test_what_was_shown_is_known_by_its_digest(void **state)
{
	(void)state;
	struct fact facts[] = {module("btrfs"), module("ext4"), module("xfs")};
	uint8_t bytes[SECTION_DIGEST_BYTES], other[SECTION_DIGEST_BYTES];
	struct slice digest = digest_facts(facts, 3, bytes);
	struct fact_list found;
	assert_int_equal(get(digest, NOW_NS, &found), ERR_MISSING);
	assert_int_equal(buckets_put(txn, FACT_MODULE, digest, facts, 3, &OWNER, NOW_NS), 0);
	assert_int_equal(get(digest, NOW_NS, &found), 0);
	assert_int_equal(found.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(fact_equal(&found.fact[i], &facts[i]));
	assert_int_equal(get(digest_facts(facts, 2, other), NOW_NS, &found), ERR_MISSING);
	assert_int_equal(buckets_get(txn, FACT_UNIT, digest, NOW_NS, &found), ERR_MISSING);
}

static void test_nothing_is_always_known(void **state)
{
	(void)state;
	uint8_t bytes[SECTION_DIGEST_BYTES];
	struct fact_list found;
	assert_int_equal(get(digest_facts(NULL, 0, bytes), NOW_NS, &found), 0);
	assert_int_equal(found.count, 0);
}

static void test_facts_of_another_digest_are_refused(void **state)
{
	(void)state;
	struct fact facts[] = {module("btrfs"), module("ext4"), module("xfs")};
	uint8_t bytes[SECTION_DIGEST_BYTES];
	struct slice digest = digest_facts(facts, 3, bytes);
	struct fact_list found;
	assert_int_equal(
	        buckets_put(txn, FACT_MODULE, digest, facts, 2, &OWNER, NOW_NS), ERR_FORMAT);
	assert_int_equal(
	        buckets_put(txn, FACT_MODULE, digest, NULL, 0, &OWNER, NOW_NS), ERR_FORMAT);
	assert_int_equal(get(digest, NOW_NS, &found), ERR_MISSING);
}

/* Though the digest is theirs: nobody who has them in a store could offer it. */
static void test_facts_out_of_order_or_twice_are_refused(void **state)
{
	(void)state;
	struct fact facts[] = {module("xfs"), module("ext4")},
	            twice[] = {module("xfs"), module("xfs")};
	uint8_t bytes[SECTION_DIGEST_BYTES];
	struct fact_list found;
	struct slice digest = digest_facts(facts, 2, bytes);
	assert_int_equal(
	        buckets_put(txn, FACT_MODULE, digest, facts, 2, &OWNER, NOW_NS), ERR_FORMAT);
	digest = digest_facts(twice, 2, bytes);
	assert_int_equal(
	        buckets_put(txn, FACT_MODULE, digest, twice, 2, &OWNER, NOW_NS), ERR_FORMAT);
	twice[1].field[1] = slice_text("2");
	digest = digest_facts(twice, 2, bytes);
	assert_int_equal(
	        buckets_put(txn, FACT_MODULE, digest, twice, 2, &OWNER, NOW_NS), ERR_FORMAT);
	assert_int_equal(get(digest, NOW_NS, &found), ERR_MISSING);
}

static void test_memory_limit_is_told(void **state)
{
	(void)state;
	struct fact fact = module("btrfs");
	uint8_t bytes[SECTION_DIGEST_BYTES];
	struct slice digest = digest_facts(&fact, 1, bytes);
	struct arena *small = arena_new(100);
	struct fact_list found = {.arena = small};
	assert_int_equal(buckets_put(txn, FACT_MODULE, digest, &fact, 1, &OWNER, NOW_NS), 0);
	assert_int_equal(buckets_get(txn, FACT_MODULE, digest, NOW_NS, &found), ERR_LIMIT);
	arena_free(small);
}

static void test_what_nobody_has_used_is_purged(void **state)
{
	(void)state;
	struct fact old = module("old"), used = module("used"), new = module("new");
	uint8_t bytes[3][SECTION_DIGEST_BYTES];
	struct slice digests[] = {digest_facts(&old, 1, bytes[0]), digest_facts(&used, 1, bytes[1]),
	        digest_facts(&new, 1, bytes[2])};
	struct fact_list found;
	assert_int_equal(buckets_put(txn, FACT_MODULE, digests[0], &old, 1, &OWNER, NOW_NS), 0);
	assert_int_equal(buckets_put(txn, FACT_MODULE, digests[1], &used, 1, &OWNER, NOW_NS), 0);
	assert_int_equal(
	        buckets_put(txn, FACT_MODULE, digests[2], &new, 1, &OWNER, NOW_NS + 9 * DAY_NS), 0);
	assert_int_equal(get(digests[1], NOW_NS + 8 * DAY_NS, &found), 0);
	assert_int_equal(buckets_purge(txn, NOW_NS), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(get(digests[i], NOW_NS, &found), 0);
	assert_int_equal(buckets_purge(txn, NOW_NS + 8 * DAY_NS), 0);
	assert_int_equal(get(digests[0], NOW_NS, &found), ERR_MISSING);
	assert_int_equal(get(digests[1], NOW_NS, &found), 0);
	assert_int_equal(found.count, 1);
	assert_true(fact_equal(&found.fact[0], &used));
	assert_int_equal(get(digests[2], NOW_NS, &found), 0);
	assert_int_equal(buckets_purge(txn, INT64_MAX), 0);
	assert_int_equal(get(digests[2], NOW_NS, &found), ERR_MISSING);
	assert_int_equal(buckets_purge(txn, INT64_MAX), 0);
}

static uint64_t shown_by(uint32_t host)
{
	struct usage usage;
	assert_int_equal(usage_get(txn, host, &usage), 0);
	return usage.bucket_bytes;
}

static void test_host_may_show_so_much_and_gets_it_back_when_it_is_purged(void **state)
{
	(void)state;
	struct fact fact[] = {module("one"), module("two")};
	uint8_t bytes[2][SECTION_DIGEST_BYTES];
	struct slice digest[] = {
	        digest_facts(&fact[0], 1, bytes[0]), digest_facts(&fact[1], 1, bytes[1])};
	struct bucket_owner greedy = {.host = 3, .limit_bytes = 60}, other = {.host = 4};
	struct fact_list found;
	assert_int_equal(buckets_put(txn, FACT_MODULE, digest[0], &fact[0], 1, &greedy, NOW_NS), 0);
	assert_in_range(shown_by(3), 30, 60);
	/* Again, and by another: it is there already. */
	assert_int_equal(buckets_put(txn, FACT_MODULE, digest[0], &fact[0], 1, &greedy, NOW_NS), 0);
	assert_int_equal(buckets_put(txn, FACT_MODULE, digest[0], &fact[0], 1, &other, NOW_NS), 0);
	assert_in_range(shown_by(3), 30, 60);
	assert_int_equal(shown_by(4), 0);
	assert_int_equal(
	        buckets_put(txn, FACT_MODULE, digest[1], &fact[1], 1, &greedy, NOW_NS), ERR_LIMIT);
	assert_int_equal(get(digest[1], NOW_NS, &found), ERR_MISSING);
	assert_int_equal(buckets_purge(txn, NOW_NS + DAY_NS), 0);
	assert_int_equal(shown_by(3), 0);
	assert_int_equal(buckets_put(txn, FACT_MODULE, digest[1], &fact[1], 1, &greedy, NOW_NS), 0);
}

static int begin(void **state)
{
	int rc = set_up(state);
	arena = arena_new(1u << 20);
	if (rc == 0)
		txn = ((struct fixture *)*state)->txn;
	return rc;
}

static int end(void **state)
{
	arena_free(arena);
	return tear_down(state);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_what_was_shown_is_known_by_its_digest),
	        CASE(test_nothing_is_always_known),
	        CASE(test_facts_of_another_digest_are_refused),
	        CASE(test_facts_out_of_order_or_twice_are_refused),
	        CASE(test_memory_limit_is_told),
	        CASE(test_what_nobody_has_used_is_purged),
	        CASE(test_host_may_show_so_much_and_gets_it_back_when_it_is_purged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
