#include "fixture.h"

#include "collector/store/hostfacts.h"
#include "collector/store/hosts.h"
#include "collector/store/picture.h"
#include "collector/store/sections.h"

#define HOST 7
#define MANY 300

static struct kv_txn *txn;

static struct fact package(const char *name, const char *version)
{
	return (struct fact){.kind = FACT_PACKAGE,
	        .field[PACKAGE_MANAGER] = slice_text("dpkg"),
	        .field[PACKAGE_NAME] = slice_text(name),
	        .field[PACKAGE_VERSION] = slice_text(version)};
}

static void tell(uint32_t host, const struct fact *before, const struct fact *after)
{
	struct event event = {.kind = EVENT_FACT,
	        .action = ACTION_INSTALLED,
	        .fact_before = before,
	        .fact_after = after};
	assert_int_equal(picture_apply(txn, host, &event), 0);
}

/* The agent's rule, from the facts themselves. */
static void root_of(const struct fact *facts, size_t count, uint8_t out[SECTION_ROOT_BYTES])
{
	struct section_sum sums[FACT_KIND_MAX + 1] = {0};
	struct buf encoded = BUF_INIT;
	for (size_t i = 0; i < count; i++) {
		buf_reset(&encoded);
		fact_encode(&facts[i], &encoded);
		section_sum_add(&sums[facts[i].kind], buf_slice(&encoded));
	}
	buf_fini(&encoded);
	section_root(sums, out);
}

static void assert_root(uint32_t host, const struct fact *facts, size_t count)
{
	uint8_t wanted[SECTION_ROOT_BYTES], held[SECTION_ROOT_BYTES];
	root_of(facts, count, wanted);
	assert_int_equal(sections_root(txn, host, held), 0);
	assert_memory_equal(held, wanted, SECTION_ROOT_BYTES);
}

static uint64_t count_of(uint32_t host, enum fact_kind kind)
{
	uint64_t count = UINT64_MAX;
	assert_int_equal(sections_count(txn, host, kind, &count), 0);
	return count;
}

/* --- sums ------------------------------------------------------------------------------------- */

static void test_the_root_follows_every_change(void **state)
{
	(void)state;
	struct fact facts[] = {package("a", "1"), package("b", "1"), package("a", "2"),
	        {.kind = FACT_OS, .field[OS_ID] = slice_text("debian")}};
	assert_root(HOST, NULL, 0);
	tell(HOST, NULL, &facts[0]);
	tell(HOST, NULL, &facts[1]);
	assert_root(HOST, facts, 2);
	tell(HOST, NULL, &facts[1]);
	assert_root(HOST, facts, 2);
	tell(HOST, &facts[0], &facts[2]);
	assert_root(HOST, &facts[1], 2);
	tell(HOST, NULL, &facts[3]);
	assert_root(HOST, &facts[1], 3);
	tell(HOST, &facts[1], NULL);
	assert_root(HOST, &facts[2], 2);
	tell(HOST, &facts[1], NULL);
	assert_root(HOST, &facts[2], 2);
	assert_int_equal(count_of(HOST, FACT_PACKAGE), 1);
	assert_int_equal(count_of(HOST, FACT_OS), 1);
	assert_root(HOST + 1, NULL, 0);
}

/* What is held counts, not what the event says it was. */
static void test_events_upon_another_fact_keep_the_sum_right(void **state)
{
	(void)state;
	struct fact one = package("a", "1"), two = package("a", "2"), three = package("a", "3");
	tell(HOST, NULL, &one);
	tell(HOST, &two, &three);
	assert_root(HOST, &three, 1);
	tell(HOST, &two, NULL);
	assert_root(HOST, NULL, 0);
}

static void test_labels_do_not_change_the_root(void **state)
{
	(void)state;
	struct fact label = {.kind = FACT_LABEL,
	        .field[PAIR_NAME] = slice_text("role"),
	        .field[PAIR_VALUE] = slice_text("web")};
	tell(HOST, NULL, &label);
	assert_root(HOST, NULL, 0);
}

static void test_a_store_without_sums_is_counted(void **state)
{
	(void)state;
	struct fact facts[] = {package("a", "1"), package("b", "1"), package("c", "1")};
	tell(HOST, NULL, &facts[0]);
	tell(HOST, NULL, &facts[1]);
	assert_int_equal(sections_clear(txn, HOST), 0);
	assert_root(HOST, facts, 2);
	assert_int_equal(count_of(HOST, FACT_PACKAGE), 2);
	tell(HOST, NULL, &facts[2]);
	assert_root(HOST, facts, 3);
	assert_int_equal(sections_clear(txn, HOST), 0);
	tell(HOST, &facts[2], NULL);
	assert_root(HOST, facts, 2);
}

static void test_a_cleared_picture_has_no_sums(void **state)
{
	(void)state;
	struct fact fact = package("a", "1");
	tell(HOST, NULL, &fact);
	tell(HOST + 1, NULL, &fact);
	assert_int_equal(picture_clear(txn, HOST), 0);
	assert_root(HOST, NULL, 0);
	assert_int_equal(count_of(HOST, FACT_PACKAGE), 0);
	assert_root(HOST + 1, &fact, 1);
}

/* --- buckets ---------------------------------------------------------------------------------- */

static char names[MANY][8];
static struct fact many[MANY];

static void tell_many(uint32_t host)
{
	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "p%03zu", i);
		many[i] = package(names[i], "1");
		tell(host, NULL, &many[i]);
	}
}

static unsigned bucket_of(const struct fact *fact, unsigned bucket_count)
{
	uint8_t key[FACT_KEY_MAX];
	return section_bucket_of_key(slice_of(key, fact_key(fact, key)), bucket_count);
}

/* `many` is in key order. Left out: `without`. */
static void assert_digests(uint32_t host, unsigned bucket_count, const struct fact *without)
{
	struct section_digests *digests = section_digests_new(bucket_count);
	struct buf wanted = BUF_INIT, held = BUF_INIT, encoded = BUF_INIT;
	for (size_t i = 0; i < MANY; i++) {
		buf_reset(&encoded);
		fact_encode(&many[i], &encoded);
		if (&many[i] != without)
			section_digests_add(
			        digests, bucket_of(&many[i], bucket_count), buf_slice(&encoded));
	}
	section_digests_finish(digests, &wanted);
	assert_int_equal(sections_digests(txn, host, FACT_PACKAGE, bucket_count, &held), 0);
	assert_int_equal(held.len, bucket_count * SECTION_DIGEST_BYTES);
	assert_memory_equal(held.data, wanted.data, held.len);
	buf_fini(&wanted);
	buf_fini(&held);
	buf_fini(&encoded);
}

static void test_digests_are_the_agents(void **state)
{
	(void)state;
	struct fact os = {.kind = FACT_OS, .field[OS_ID] = slice_text("debian")};
	tell_many(HOST);
	tell(HOST, NULL, &os);
	tell(HOST + 1, NULL, &many[0]);
	assert_digests(HOST, 1, NULL);
	assert_digests(HOST, 16, NULL);
	assert_digests(HOST, 256, NULL);
	tell(HOST, &many[5], NULL);
	assert_digests(HOST, 16, &many[5]);
}

static void test_a_bucket_is_put_in_place_of_another_and_the_rest_stays(void **state)
{
	(void)state;
	bool is_replaced[SECTION_BUCKETS_MAX] = {false};
	unsigned bucket;
	struct fact stranger = package("stranger", "1");
	tell_many(HOST);
	tell_many(HOST + 1);
	bucket = bucket_of(&many[5], 16);
	is_replaced[bucket] = true;
	/* Emptied. */
	assert_int_equal(sections_replace(txn, HOST, FACT_PACKAGE, 16, is_replaced, NULL, 0), 0);
	struct fact left[MANY];
	size_t left_count = 0;
	for (size_t i = 0; i < MANY; i++)
		if (bucket_of(&many[i], 16) != bucket)
			left[left_count++] = many[i];
	assert_true(left_count < MANY);
	assert_root(HOST, left, left_count);
	assert_int_equal(count_of(HOST, FACT_PACKAGE), left_count);
	assert_root(HOST + 1, many, MANY);
	/* And filled. */
	struct fact back[MANY];
	size_t back_count = 0;
	for (size_t i = 0; i < MANY; i++)
		if (bucket_of(&many[i], 16) == bucket)
			back[back_count++] = many[i];
	assert_int_equal(
	        sections_replace(txn, HOST, FACT_PACKAGE, 16, is_replaced, back, back_count), 0);
	assert_root(HOST, many, MANY);
	assert_digests(HOST, 16, NULL);
	/* In place of a fact that should not be there. */
	tell(HOST, NULL, &stranger);
	memset(is_replaced, true, sizeof(is_replaced));
	assert_int_equal(sections_replace(txn, HOST, FACT_PACKAGE, 16, is_replaced, many, MANY), 0);
	assert_root(HOST, many, MANY);
}

static void test_a_fact_given_twice_is_counted_once(void **state)
{
	(void)state;
	const bool is_replaced[SECTION_BUCKETS_MAX] = {true};
	struct fact twice[] = {package("a", "1"), package("a", "2")};
	assert_int_equal(sections_replace(txn, HOST, FACT_PACKAGE, 1, is_replaced, twice, 2), 0);
	assert_root(HOST, &twice[1], 1);
	assert_int_equal(count_of(HOST, FACT_PACKAGE), 1);
}

/* A sum that is wrong, for whatever reason, is right after a repair. */
static void test_replacing_nothing_makes_the_sum_anew(void **state)
{
	(void)state;
	const bool is_replaced[SECTION_BUCKETS_MAX] = {false};
	struct fact one = package("a", "1"), two = package("b", "1");
	struct fact both[] = {one, two};
	tell(HOST, NULL, &one);
	assert_int_equal(hostfacts_put(txn, HOST, &two), 0);
	assert_root(HOST, &one, 1);
	assert_int_equal(sections_replace(txn, HOST, FACT_PACKAGE, 16, is_replaced, NULL, 0), 0);
	assert_root(HOST, both, 2);
}

static int begin(void **state)
{
	int rc = set_up(state);
	if (rc == 0)
		txn = ((struct fixture *)*state)->txn;
	return rc;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, tear_down)
	const struct CMUnitTest tests[] = {
	        CASE(test_the_root_follows_every_change),
	        CASE(test_events_upon_another_fact_keep_the_sum_right),
	        CASE(test_labels_do_not_change_the_root),
	        CASE(test_a_store_without_sums_is_counted),
	        CASE(test_a_cleared_picture_has_no_sums),
	        CASE(test_digests_are_the_agents),
	        CASE(test_a_bucket_is_put_in_place_of_another_and_the_rest_stays),
	        CASE(test_a_fact_given_twice_is_counted_once),
	        CASE(test_replacing_nothing_makes_the_sum_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
