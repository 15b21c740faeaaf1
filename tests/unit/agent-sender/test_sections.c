#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/sender/sections.h"
#include "agent/state/factbook.h"
#include "common/model/factlist.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define MANY  20000
#define LARGE 4000

static char dir[64];
static struct state *state;
static struct reason why;

/* What was sent, the facts of all messages one behind the other. */
static struct {
	struct arena *arena;
	unsigned offers, buckets, more;
	struct section_offer offered[FACT_KIND_MAX];
	size_t offered_count;
	struct fact_list shown;
	size_t most_bytes; /* of one frame's payload */
	int answer;        /* to the next message */
} sent;

static int begin(void **unused)
{
	struct state_limits limits = {.spool_bytes = 64u << 20, .map_bytes = 1ull << 30};
	(void)unused;
	snprintf(dir, sizeof(dir), "/tmp/tsujiban-sections-XXXXXX");
	if (!mkdtemp(dir) || state_open(dir, &limits, &state, &why) < 0)
		return -1;
	memset(&sent, 0, sizeof(sent));
	sent.arena = arena_new(256u << 20);
	sent.shown.arena = sent.arena;
	return 0;
}

static int end(void **unused)
{
	char command[128];
	(void)unused;
	state_close(state);
	arena_free(sent.arena);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void hold(enum fact_kind kind, const struct fact *facts, size_t count)
{
	struct fact_scope scope = {kind, NULL};
	struct state_txn *txn;
	assert_int_equal(state_begin(state, &txn, &why), 0);
	assert_true(factbook_sync(txn, &scope, 1, facts, count, CAUSE_LIVE, 1) >= 0);
	assert_int_equal(state_commit(txn, &why), 0);
}

static struct fact module(const char *name, const char *version)
{
	return (struct fact){.kind = FACT_MODULE, .field = {slice_text(name), slice_text(version)}};
}

/* As it arrives: through the codec, which checks it. */
static int on_message(void *ctx, const struct message *message)
{
	struct buf payload = BUF_INIT;
	struct message back;
	assert_null(ctx);
	assert_int_equal(wire_encode(message, &payload), 0);
	if (payload.len > sent.most_bytes)
		sent.most_bytes = payload.len;
	assert_int_equal(
	        wire_decode(message->kind, buf_slice(&payload), sent.arena, &back, &why), 0);
	buf_fini(&payload);
	if (message->kind == FRAME_OFFER) {
		sent.offers++;
		sent.offered_count = back.offer.count;
		memcpy(sent.offered, back.offer.section,
		        back.offer.count * sizeof(sent.offered[0]));
	} else {
		sent.buckets++;
		sent.more += back.bucket.more;
		for (size_t i = 0; i < back.bucket.count; i++)
			for (size_t k = 0; k < back.bucket.section[i].count; k++)
				assert_int_equal(
				        fact_list_add(&sent.shown, &back.bucket.section[i].fact[k]),
				        0);
	}
	return sent.answer;
}

static int answer(const struct section_want *wants, size_t count)
{
	struct want want = {count, (struct section_want *)wants};
	return sections_answer(state, &want, on_message, NULL);
}

static unsigned bucket_of(const struct fact *fact, unsigned bucket_count)
{
	uint8_t key[FACT_KEY_MAX];
	return section_bucket_of_key(slice_of(key, fact_key(fact, key)), bucket_count);
}

/* The rule of section.h: `facts` are in key order. */
static void assert_offered(
        const struct section_offer *offered, const struct fact *facts, size_t count)
{
	unsigned buckets = section_bucket_count(offered->kind, count);
	struct section_digests *digests = section_digests_new(buckets);
	struct buf encoded = BUF_INIT, wanted = BUF_INIT;
	for (size_t i = 0; i < count; i++) {
		buf_reset(&encoded);
		fact_encode(&facts[i], &encoded);
		section_digests_add(digests, bucket_of(&facts[i], buckets), buf_slice(&encoded));
	}
	section_digests_finish(digests, &wanted);
	assert_true(slice_equal(offered->digests, buf_slice(&wanted)));
	buf_fini(&encoded);
	buf_fini(&wanted);
}

/* --- offers ----------------------------------------------------------------------------------- */

static void test_nothing_is_offered_as_nothing(void **unused)
{
	(void)unused;
	assert_int_equal(answer(NULL, 0), 0);
	assert_int_equal(sent.offers, 1);
	assert_int_equal(sent.offered_count, 0);
}

static void test_an_offer_has_all_kinds_that_hold_facts_but_labels(void **unused)
{
	(void)unused;
	struct fact modules[] = {module("btrfs", "1"), module("ext4", "1"), module("xfs", "1")};
	struct fact os = {.kind = FACT_OS, .field[OS_ID] = slice_text("debian")};
	struct fact label = {.kind = FACT_LABEL, .field = {slice_text("role"), slice_text("web")}};
	hold(FACT_MODULE, modules, 3);
	hold(FACT_OS, &os, 1);
	hold(FACT_LABEL, &label, 1);
	hold(FACT_USER, NULL, 0);
	assert_int_equal(answer(NULL, 0), 0);
	assert_int_equal(sent.offered_count, 2);
	assert_int_equal(sent.offered[0].kind, FACT_OS);
	assert_offered(&sent.offered[0], &os, 1);
	assert_int_equal(sent.offered[1].kind, FACT_MODULE);
	assert_offered(&sent.offered[1], modules, 3);
	assert_int_equal(sent.buckets, 0);
}

/* --- buckets ---------------------------------------------------------------------------------- */

static char names[MANY][16];
static struct fact many[MANY];

static void make_many(enum fact_kind kind, size_t count)
{
	assert_true(count <= MANY);
	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "name%06zu", i);
		many[i] = (struct fact){
		        .kind = kind, .field = {slice_text(names[i]), slice_text("1")}};
	}
}

static void test_only_what_is_wanted_is_shown_in_key_order(void **unused)
{
	(void)unused;
	struct fact os = {.kind = FACT_OS, .field[OS_ID] = slice_text("debian")};
	struct section_want wants[] = {
	        {FACT_OS, slice_of("\0", 1)}, {FACT_MODULE, slice_of("\3\1", 2)}};
	size_t next = 0;
	make_many(FACT_MODULE, 100);
	hold(FACT_MODULE, many, 100);
	hold(FACT_OS, &os, 1);
	assert_int_equal(answer(wants, 2), 0);
	assert_int_equal(sent.buckets, 1);
	assert_int_equal(sent.more, 0);
	assert_true(fact_equal(&sent.shown.fact[next++], &os));
	for (size_t i = 0; i < 100; i++)
		if (bucket_of(&many[i], 4) == 1 || bucket_of(&many[i], 4) == 3)
			assert_true(fact_equal(&sent.shown.fact[next++], &many[i]));
	assert_int_equal(sent.shown.count, next);
	assert_true(next > 10 && next < 90);
}

static void test_what_is_not_held_is_answered_with_nothing(void **unused)
{
	(void)unused;
	struct section_want wants[] = {{FACT_OS, slice_of("\0\377", 2)}, {FACT_MODULE, {0}}};
	make_many(FACT_MODULE, 10);
	hold(FACT_MODULE, many, 10);
	assert_int_equal(answer(wants, 2), 0);
	assert_int_equal(sent.buckets, 1);
	assert_int_equal(sent.more, 0);
	assert_int_equal(sent.shown.count, 0);
}

static const uint8_t *all_buckets(void)
{
	static uint8_t all[SECTION_BUCKETS_MAX];
	for (unsigned i = 0; i < SECTION_BUCKETS_MAX; i++)
		all[i] = (uint8_t)i;
	return all;
}

static void test_much_goes_in_several_messages_and_none_is_lost(void **unused)
{
	(void)unused;
	static char value[LARGE];
	struct fact os = {.kind = FACT_OS, .field[OS_ID] = slice_text("debian")};
	struct fact user = {.kind = FACT_USER, .field = {slice_text("root"), slice_text("0")}};
	struct section_want wants[] = {{FACT_OS, slice_of("\0", 1)},
	        {FACT_HOST, slice_of(all_buckets(), SECTION_BUCKETS_MAX)},
	        {FACT_USER, slice_of("\0", 1)}};
	memset(value, 'x', sizeof(value));
	make_many(FACT_HOST, 1000);
	for (size_t i = 0; i < 1000; i++)
		many[i].field[1] = slice_of(value, LARGE - i);
	hold(FACT_OS, &os, 1);
	hold(FACT_HOST, many, 1000);
	hold(FACT_USER, &user, 1);
	assert_int_equal(answer(wants, 3), 0);
	assert_true(sent.buckets > 3);
	assert_int_equal(sent.more, sent.buckets - 1);
	assert_true(sent.most_bytes < FRAME_LENGTH_MAX);
	assert_int_equal(sent.shown.count, 1002);
	assert_true(fact_equal(&sent.shown.fact[0], &os));
	for (size_t i = 0; i < 1000; i++)
		assert_true(fact_equal(&sent.shown.fact[1 + i], &many[i]));
	assert_true(fact_equal(&sent.shown.fact[1001], &user));
}

static void test_many_small_facts_stay_below_a_frame_too(void **unused)
{
	(void)unused;
	struct section_want want = {FACT_HOST, slice_of(all_buckets(), SECTION_BUCKETS_MAX)};
	make_many(FACT_HOST, MANY);
	hold(FACT_HOST, many, MANY);
	assert_int_equal(answer(NULL, 0), 0);
	assert_int_equal(sent.offered[0].digests.len / SECTION_DIGEST_BYTES, 8);
	assert_offered(&sent.offered[0], many, MANY);
	assert_int_equal(answer(&want, 1), 0);
	assert_true(sent.most_bytes < FRAME_LENGTH_MAX);
	assert_int_equal(sent.shown.count, MANY);
}

/* Each answer is of its own moment: the offer's digest is not that of what is shown later. */
static void test_facts_that_change_after_an_offer_are_shown_as_they_are_now(void **unused)
{
	(void)unused;
	struct fact before[] = {module("btrfs", "1"), module("ext4", "1")};
	struct fact after[] = {module("btrfs", "1"), module("ext4", "2"), module("xfs", "1")};
	struct section_want want = {FACT_MODULE, slice_of("\0\1\2\3", 4)};
	hold(FACT_MODULE, before, 2);
	assert_int_equal(answer(NULL, 0), 0);
	assert_offered(&sent.offered[0], before, 2);
	hold(FACT_MODULE, after, 3);
	assert_int_equal(answer(&want, 1), 0);
	assert_int_equal(sent.shown.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(fact_equal(&sent.shown.fact[i], &after[i]));
	assert_int_equal(answer(NULL, 0), 0);
	assert_offered(&sent.offered[0], after, 3);
}

static void test_sending_stops_when_it_cannot_go_on(void **unused)
{
	(void)unused;
	static char value[LARGE];
	struct section_want want = {FACT_HOST, slice_of(all_buckets(), SECTION_BUCKETS_MAX)};
	make_many(FACT_HOST, 1000);
	for (size_t i = 0; i < 1000; i++)
		many[i].field[1] = slice_of(value, LARGE - i);
	hold(FACT_HOST, many, 1000);
	sent.answer = ERR_CLOSED;
	assert_int_equal(answer(&want, 1), ERR_CLOSED);
	assert_int_equal(sent.buckets, 1);
	assert_int_equal(answer(NULL, 0), ERR_CLOSED);
}

/* --- the root --------------------------------------------------------------------------------- */

static void test_the_root_is_told_of_the_last_event_only(void **unused)
{
	(void)unused;
	struct fact modules[] = {module("btrfs", "1"), module("ext4", "1")};
	uint8_t root[SECTION_ROOT_BYTES], later[SECTION_ROOT_BYTES];
	uint64_t changed_seq = 77;
	assert_true(sections_root(state, 0, root, &changed_seq));
	assert_int_equal(changed_seq, 0);
	hold(FACT_MODULE, modules, 1);
	assert_true(sections_root(state, 1, root, &changed_seq));
	assert_int_equal(changed_seq, 1);
	hold(FACT_MODULE, modules, 2);
	assert_false(sections_root(state, 1, later, &changed_seq));
	assert_false(sections_root(state, 3, later, &changed_seq));
	assert_true(sections_root(state, 2, later, &changed_seq));
	assert_int_equal(changed_seq, 2);
	assert_memory_not_equal(root, later, SECTION_ROOT_BYTES);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_nothing_is_offered_as_nothing),
	        CASE(test_an_offer_has_all_kinds_that_hold_facts_but_labels),
	        CASE(test_only_what_is_wanted_is_shown_in_key_order),
	        CASE(test_what_is_not_held_is_answered_with_nothing),
	        CASE(test_much_goes_in_several_messages_and_none_is_lost),
	        CASE(test_many_small_facts_stay_below_a_frame_too),
	        CASE(test_facts_that_change_after_an_offer_are_shown_as_they_are_now),
	        CASE(test_sending_stops_when_it_cannot_go_on),
	        CASE(test_the_root_is_told_of_the_last_event_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
