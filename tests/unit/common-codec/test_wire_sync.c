#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/codec/wire.h"
#include "proto/tsujiban.pb-c.h"

#include "tests/unit/common-codec/wire_ends.h"

static struct fact fact_of(enum fact_kind kind, const char *a, const char *b)
{
	return (struct fact){.kind = kind, .field = {slice_text(a), slice_text(b)}};
}

/* --- there and back, as the contract says ----------------------------------------------------- */

static struct message an_offer(struct section_offer sections[2])
{
	sections[0] = (struct section_offer){FACT_OS, slice_text("0123456789abcdef")};
	sections[1] = (struct section_offer){
	        FACT_USER, slice_text("0123456789ABCDEFfedcba9876543210")};
	return (struct message){.kind = FRAME_OFFER, .offer = {2, sections}};
}

static void test_offer_is_as_the_contract_says(void **state)
{
	(void)state;
	struct section_offer sections[2];
	struct message offer = an_offer(sections);
	encode(&offer);
	assert_int_equal(out.len, 60);
	assert_memory_equal(out.data,
	        "\x0a\x14\x08\x03\x12\x10"
	        "0123456789abcdef"
	        "\x0a\x24\x08\x0c\x12\x20"
	        "0123456789ABCDEFfedcba9876543210",
	        out.len);
	Tsujiban__V1__Offer *same = tsujiban__v1__offer__unpack(NULL, out.len, out.data);
	assert_non_null(same);
	assert_int_equal(same->n_section, 2);
	assert_int_equal(same->section[1]->digests.len, 32);
	tsujiban__v1__offer__free_unpacked(same, NULL);

	struct offer back = decode(FRAME_OFFER).offer;
	assert_int_equal(back.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(back.section[i].kind, sections[i].kind);
		assert_true(slice_equal(back.section[i].digests, sections[i].digests));
	}
	buf_reset(&out);
	assert_int_equal(decode(FRAME_OFFER).offer.count, 0);
}

static void test_want_is_as_the_contract_says(void **state)
{
	(void)state;
	struct section_want sections[] = {
	        {FACT_OS, slice_of("\0", 1)}, {FACT_INSTALL, slice_of("\x01\x0f\xff", 3)}};
	struct message want = {.kind = FRAME_WANT, .want = {2, sections}};
	encode(&want);
	assert_int_equal(out.len, 16);
	assert_memory_equal(out.data,
	        "\x0a\x05\x08\x03\x12\x01\x00\x0a\x07\x08\x10\x12\x03\x01\x0f\xff", out.len);
	struct want back = decode(FRAME_WANT).want;
	assert_int_equal(back.count, 2);
	assert_int_equal(back.section[1].kind, FACT_INSTALL);
	for (size_t i = 0; i < 2; i++)
		assert_true(slice_equal(back.section[i].buckets, sections[i].buckets));
	/* that asks for an offer */
	want.want.count = 0;
	encode(&want);
	assert_int_equal(out.len, 0);
	assert_int_equal(decode(FRAME_WANT).want.count, 0);
}

static void test_bucket_is_as_the_contract_says(void **state)
{
	(void)state;
	struct fact os = fact_of(FACT_OS, "debian", "12");
	struct fact hosts[] = {fact_of(FACT_HOST, "cpus", "2"), fact_of(FACT_HOST, "cpu", "")};
	struct section_facts sections[] = {{FACT_OS, 1, &os}, {FACT_HOST, 2, hosts}};
	struct message bucket = {.kind = FRAME_BUCKET, .bucket = {2, sections, true}};
	encode(&bucket);
	static const char golden[] = "\x0a\x18\x08\x03\x10\x01"
	                             "\x1a\x07\x16"
	                             "debian\x1a\x03\x12"
	                             "12\x1a\x01\x10\x1a\x01\x03"
	                             "\x0a\x14\x08\x04\x10\x02"
	                             "\x1a\x09\x14"
	                             "cpus\x13"
	                             "cpu\x1a\x03\x11"
	                             "2\x10\x10\x01";
	assert_int_equal(out.len, sizeof(golden) - 1);
	assert_memory_equal(out.data, golden, out.len);

	struct bucket back = decode(FRAME_BUCKET).bucket;
	assert_int_equal(back.count, 2);
	assert_true(back.more);
	assert_int_equal(back.section[0].count, 1);
	assert_int_equal(back.section[1].count, 2);
	assert_true(fact_equal(&back.section[0].fact[0], &os));
	for (size_t i = 0; i < 2; i++)
		assert_true(fact_equal(&back.section[1].fact[i], &hosts[i]));
	bucket.bucket.count = 0;
	bucket.bucket.more = false;
	encode(&bucket);
	assert_int_equal(out.len, 0);
	assert_false(decode(FRAME_BUCKET).bucket.more);
}

/* Nothing of it may point into the payload, which the caller uses again. */
static void test_what_is_decoded_outlives_the_payload(void **state)
{
	(void)state;
	struct fact hosts[] = {
	        fact_of(FACT_HOST, "cpu_model", "x"), fact_of(FACT_HOST, "cpus", "2")};
	struct section_facts section = {FACT_HOST, 2, hosts};
	struct message bucket = {.kind = FRAME_BUCKET, .bucket = {1, &section, false}};
	struct section_offer sections[2];
	struct message offer = an_offer(sections);
	encode(&bucket);
	struct bucket shown = decode(FRAME_BUCKET).bucket;
	memset(out.data, '!', out.len);
	encode(&offer);
	struct offer offered = decode(FRAME_OFFER).offer;
	memset(out.data, '!', out.len);
	assert_true(fact_equal(&shown.section[0].fact[0], &hosts[0]));
	assert_true(fact_equal(&shown.section[0].fact[1], &hosts[1]));
	assert_true(slice_equal(offered.section[1].digests, sections[1].digests));
}

static void test_every_kind_goes_into_one_message(void **state)
{
	(void)state;
	struct section_offer offers[FACT_KIND_MAX];
	struct section_want wants[FACT_KIND_MAX];
	struct section_facts facts[FACT_KIND_MAX];
	struct fact fact[FACT_KIND_MAX];
	static uint8_t digests[SECTION_BUCKETS_MAX * SECTION_DIGEST_BYTES];
	static uint8_t all[SECTION_BUCKETS_MAX];
	size_t count = 0;
	for (unsigned kind = 1; kind <= FACT_KIND_MAX; kind++) {
		if (!section_is_synced((enum fact_kind)kind))
			continue;
		fact[count] = fact_of((enum fact_kind)kind, "a", "b");
		offers[count] = (struct section_offer){
		        (enum fact_kind)kind, slice_of(digests, sizeof(digests))};
		wants[count] = (struct section_want){
		        (enum fact_kind)kind, slice_of(all, sizeof(all))};
		facts[count] = (struct section_facts){(enum fact_kind)kind, 1, &fact[count]};
		count++;
	}
	struct message offer = {.kind = FRAME_OFFER, .offer = {count, offers}};
	encode(&offer);
	assert_int_equal(decode(FRAME_OFFER).offer.count, count);
	struct message want = {.kind = FRAME_WANT, .want = {count, wants}};
	encode(&want);
	assert_int_equal(decode(FRAME_WANT).want.count, count);
	struct message bucket = {.kind = FRAME_BUCKET, .bucket = {count, facts, false}};
	encode(&bucket);
	struct bucket back = decode(FRAME_BUCKET).bucket;
	assert_int_equal(back.count, count);
	for (size_t i = 0; i < count; i++)
		assert_true(fact_equal(&back.section[i].fact[0], &fact[i]));
}

/* --- what is refused -------------------------------------------------------------------------- */

#define SIXTEEN "0123456789abcdef"

static void test_wrong_fields_are_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		enum frame_kind kind;
		const char *payload;
		size_t len;
		const char *sentence;
	} rows[] = {
	        {FRAME_OFFER, "\x0a", 1, "bytes are cut or no protobuf of 'Offer'"},
	        {FRAME_OFFER, "\x0a\x00", 2, "field 'kind' is unknown or out of order"},
	        {FRAME_OFFER, "\x0a\x14\x08\x05\x12\x10" SIXTEEN, 22,
	                "field 'kind' is unknown or out of order"},
	        {FRAME_OFFER, "\x0a\x14\x08\x11\x12\x10" SIXTEEN, 22,
	                "field 'kind' is unknown or out of order"},
	        {FRAME_OFFER, "\x0a\x14\x08\x03\x12\x10" SIXTEEN "\x0a\x14\x08\x03\x12\x10" SIXTEEN,
	                44, "field 'kind' is unknown or out of order"},
	        {FRAME_OFFER, "\x0a\x14\x08\x03\x12\x10" SIXTEEN "\x0a\x14\x08\x02\x12\x10" SIXTEEN,
	                44, "field 'kind' is unknown or out of order"},
	        {FRAME_OFFER, "\x0a\x02\x08\x03", 4, "field 'digests' has the wrong length"},
	        {FRAME_OFFER, "\x0a\x13\x08\x03\x12\x0f" SIXTEEN, 21,
	                "field 'digests' has the wrong length"},
	        {FRAME_OFFER, "\x0a\x34\x08\x03\x12\x30" SIXTEEN SIXTEEN SIXTEEN, 54,
	                "field 'digests' has the wrong length"},
	        {FRAME_WANT, "\x0a\x00", 2, "field 'kind' is unknown or out of order"},
	        {FRAME_WANT, "\x0a\x02\x08\x05", 4, "field 'kind' is unknown or out of order"},
	        {FRAME_WANT, "\x0a\x02\x08\x03\x0a\x02\x08\x03", 8,
	                "field 'kind' is unknown or out of order"},
	        {FRAME_WANT, "\x0a\x01\x08", 3, "bytes are cut or no protobuf of 'Want'"},
	        {FRAME_BUCKET, "\x0a\x00", 2, "field 'kind' is unknown or out of order"},
	        /* labels, with a label's two columns */
	        {FRAME_BUCKET, "\x0a\x0a\x08\x05\x10\x01\x1a\x01\x10\x1a\x01\x10", 12,
	                "field 'kind' is unknown or out of order"},
	        /* too few columns, too many, more facts than columns have, fewer */
	        {FRAME_BUCKET, "\x0a\x07\x08\x04\x10\x01\x1a\x01\x10", 9,
	                "field 'count' or 'column' is out of range"},
	        {FRAME_BUCKET, "\x0a\x0c\x08\x04\x10\x01\x1a\x01\x10\x1a\x01\x10\x1a\x00", 14,
	                "field 'count' or 'column' is out of range"},
	        {FRAME_BUCKET, "\x0a\x0a\x08\x04\x10\x02\x1a\x01\x10\x1a\x01\x10", 12,
	                "field 'column' is broken"},
	        {FRAME_BUCKET, "\x0a\x08\x08\x04\x1a\x01\x10\x1a\x01\x10", 10,
	                "field 'column' is broken"},
	        /* 2^18 + 1 facts */
	        {FRAME_BUCKET, "\x0a\x08\x08\x04\x10\x81\x80\x10\x1a\x00", 10,
	                "field 'count' or 'column' is out of range"},
	        /* a NUL byte in a key */
	        {FRAME_BUCKET, "\x0a\x0b\x08\x04\x10\x01\x1a\x02\x11\x00\x1a\x01\x10", 13,
	                "field 'column' has a wrong fact"},
	        {FRAME_BUCKET,
	                "\x0a\x0a\x08\x04\x10\x01\x1a\x01\x10\x1a\x01\x10"
	                "\x0a\x0a\x08\x04\x10\x01\x1a\x01\x10\x1a\x01\x10",
	                24, "field 'kind' is unknown or out of order"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message message;
		char sentence[REASON_MAX];
		snprintf(sentence, sizeof(sentence), "cannot read %s message: %s",
		        frame_kind_name(rows[i].kind), rows[i].sentence);
		assert_int_equal(wire_decode(rows[i].kind, slice_of(rows[i].payload, rows[i].len),
		                         arena, &message, &why),
		        ERR_FORMAT);
		assert_string_equal(why.text, sentence);
	}
}

static void test_too_many_of_anything_are_refused(void **state)
{
	(void)state;
	struct message message;
	static uint8_t large[2 * SECTION_BUCKETS_MAX * SECTION_DIGEST_BYTES];
	struct section_offer offered = {FACT_OS, slice_of(large, sizeof(large))};
	struct section_want wanted = {FACT_OS, slice_of(large, SECTION_BUCKETS_MAX + 1)};
	struct message offer = {.kind = FRAME_OFFER, .offer = {1, &offered}};
	struct message want = {.kind = FRAME_WANT, .want = {1, &wanted}};
	assert_int_equal(wire_encode(&offer, &out), ERR_FORMAT);
	assert_int_equal(wire_encode(&want, &out), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	/* Sections without end: each frame kind by itself. */
	for (unsigned i = 0; i <= FACT_KIND_MAX; i++)
		buf_append(&out, "\x0a\x02\x08\x03", 4);
	static const enum frame_kind kinds[] = {FRAME_OFFER, FRAME_WANT, FRAME_BUCKET};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
		        wire_decode(kinds[i], buf_slice(&out), arena, &message, &why), ERR_FORMAT);
		assert_non_null(strstr(why.text, "field 'section' has too many"));
	}
}

static void test_encoding_refuses_what_decoding_would(void **state)
{
	(void)state;
	struct fact facts[] = {fact_of(FACT_HOST, "a", "1"), fact_of(FACT_OS, "b", "1")};
	struct section_facts section = {FACT_HOST, 2, facts};
	struct message bucket = {.kind = FRAME_BUCKET, .bucket = {1, &section, false}};
	assert_int_equal(wire_encode(&bucket, &out), ERR_FORMAT);
	facts[1] = fact_of(FACT_HOST, "b", "1");
	facts[1].field[0] = slice_of("b\0", 2);
	assert_int_equal(wire_encode(&bucket, &out), ERR_FORMAT);
	section.count = 1;
	section.kind = facts[0].kind = FACT_LABEL;
	assert_int_equal(wire_encode(&bucket, &out), ERR_FORMAT);
	assert_int_equal(out.len, 0);
	struct message hello = {
	        .kind = FRAME_HELLO, .hello = {.stream_id = {1}, .first_seq = 1, .next_seq = 1}};
	hello.hello.facts_root = slice_text("short");
	assert_int_equal(wire_encode(&hello, &out), ERR_FORMAT);
}

/* A small message must not become a large piece of memory. */
static void test_columns_of_repeats_stay_within_the_memory_limit(void **state)
{
	(void)state;
	struct message message;
	struct fact *facts = mem_new_array(SECTION_FACTS_MAX, sizeof(*facts));
	for (size_t i = 0; i < SECTION_FACTS_MAX; i++)
		facts[i] = fact_of(FACT_HOST, "a", "1");
	struct section_facts section = {FACT_HOST, SECTION_FACTS_MAX, facts};
	struct message bucket = {.kind = FRAME_BUCKET, .bucket = {1, &section, false}};
	encode(&bucket);
	assert_true(out.len < 2 * SECTION_FACTS_MAX + 100);
	assert_int_equal(
	        wire_decode(FRAME_BUCKET, buf_slice(&out), arena, &message, &why), ERR_LIMIT);
	assert_non_null(strstr(why.text, "too large for its memory limit"));
	free(facts);
}

static void test_small_memory_is_told_at_any_step(void **state)
{
	(void)state;
	struct section_offer sections[2];
	struct section_want wanted = {FACT_OS, slice_text("01")};
	struct fact facts[] = {
	        fact_of(FACT_HOST, "cpu_model", "x"), fact_of(FACT_HOST, "cpus", "2")};
	struct section_facts section = {FACT_HOST, 2, facts};
	struct message messages[] = {an_offer(sections), {.kind = FRAME_WANT, .want = {1, &wanted}},
	        {.kind = FRAME_BUCKET, .bucket = {1, &section, false}}};
	for (size_t i = 0; i < 3; i++) {
		struct message back;
		int rc = ERR_LIMIT;
		size_t limit = 0;
		encode(&messages[i]);
		for (; rc == ERR_LIMIT; limit += 8) {
			struct arena *small = arena_new(limit);
			rc = wire_decode(messages[i].kind, buf_slice(&out), small, &back, &why);
			arena_free(small);
		}
		assert_int_equal(rc, 0);
		assert_true(limit > 100);
	}
}

/* --- roots ------------------------------------------------------------------------------------ */

static void test_roots_come_back_with_greeting_and_batch(void **state)
{
	(void)state;
	uint8_t root[SECTION_ROOT_BYTES] = {1, 2, [15] = 16};
	struct slice event = slice_text("e");
	struct message hello = {
	        .kind = FRAME_HELLO, .hello = {.stream_id = {1}, .first_seq = 1, .next_seq = 1}};
	struct message batch = {
	        .kind = FRAME_BATCH, .batch = {.first_seq = 1, .count = 1, .events = &event}};
	encode(&hello);
	assert_int_equal(decode(FRAME_HELLO).hello.facts_root.len, 0);
	encode(&batch);
	assert_int_equal(decode(FRAME_BATCH).batch.facts_root.len, 0);
	hello.hello.facts_root = batch.batch.facts_root = slice_of(root, SECTION_ROOT_BYTES);
	encode(&hello);
	assert_true(slice_equal(decode(FRAME_HELLO).hello.facts_root, hello.hello.facts_root));
	encode(&batch);
	assert_true(slice_equal(decode(FRAME_BATCH).batch.facts_root, hello.hello.facts_root));
	Tsujiban__V1__Batch *same = tsujiban__v1__batch__unpack(NULL, out.len, out.data);
	assert_int_equal(same->facts_root.len, SECTION_ROOT_BYTES);
	tsujiban__v1__batch__free_unpacked(same, NULL);
}

static void test_a_root_of_another_length_is_refused(void **state)
{
	(void)state;
	struct message message;
	assert_int_equal(wire_decode(FRAME_BATCH, slice_of("\x08\x01\x12\x01x\x2a\x01y", 8), arena,
	                         &message, &why),
	        ERR_FORMAT);
	assert_string_equal(
	        why.text, "cannot read batch message: field 'facts_root' has the wrong length");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_offer_is_as_the_contract_says),
	        CASE(test_want_is_as_the_contract_says),
	        CASE(test_bucket_is_as_the_contract_says),
	        CASE(test_what_is_decoded_outlives_the_payload),
	        CASE(test_every_kind_goes_into_one_message),
	        CASE(test_wrong_fields_are_refused_by_name),
	        CASE(test_too_many_of_anything_are_refused),
	        CASE(test_encoding_refuses_what_decoding_would),
	        CASE(test_columns_of_repeats_stay_within_the_memory_limit),
	        CASE(test_small_memory_is_told_at_any_step),
	        CASE(test_roots_come_back_with_greeting_and_batch),
	        CASE(test_a_root_of_another_length_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
