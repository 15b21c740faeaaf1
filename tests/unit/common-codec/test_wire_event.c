#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/codec/wire.h"
#include "proto/tsujiban.pb-c.h"

static struct arena *arena;
static struct buf out;
static struct reason why;

static struct filestate before, after;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	out = BUF_INIT;
	before = (struct filestate){.type = FILE_REGULAR,
	        .hash = HASH_DONE,
	        .mode = 0644,
	        .uid = UINT32_MAX,
	        .gid = 1000,
	        .size = 1ull << 40,
	        .mtime_ns = -1,
	        .ctime_ns = INT64_MIN,
	        .inode = UINT64_MAX,
	        .device = 2049,
	        .owner = slice_text("root"),
	        .group = slice_text("adm")};
	memset(before.sha256, 0xab, SHA256_BYTES);
	after = before;
	after.hash = HASH_UNSTABLE;
	after.size = 5;
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	buf_fini(&out);
	return 0;
}

static struct event a_modified(void)
{
	return (struct event){.seq = 12,
	        .time_ns = 1795000000000000001,
	        .kind = EVENT_FILE,
	        .action = ACTION_MODIFIED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/etc/\xff"),
	        .changed = CHANGED_SIZE | CHANGED_SHA256,
	        .before = &before,
	        .after = &after};
}

static void encode(const struct event *event)
{
	buf_reset(&out);
	int rc = wire_event_encode(event, &out);
	if (rc != 0) {
		event_check(event, &why);
		fail_msg("%d %s", rc, why.text);
	}
}

static struct event decode(void)
{
	struct event event;
	int rc = wire_event_decode(buf_slice(&out), arena, &event, &why);
	if (rc != 0)
		fail_msg("%s", why.text);
	return event;
}

static void test_file_event_is_as_the_contract_says(void **state)
{
	(void)state;
	struct event event = a_modified();
	encode(&event);
	Tsujiban__V1__Event *same = tsujiban__v1__event__unpack(NULL, out.len, out.data);
	assert_non_null(same);
	assert_true(same->time_ns == event.time_ns);
	assert_true(same->kind == 1 && same->action == 2 && same->cause == 2);
	assert_true(same->changed == event.changed);
	assert_int_equal(same->path.len, 6);
	assert_null(same->fact_before);
	const Tsujiban__V1__FileState *was = same->before;
	assert_true(was->type == 1 && was->hash == 1 && was->mode == 0644);
	assert_true(was->uid == UINT32_MAX && was->gid == 1000 && was->size == 1ull << 40);
	assert_true(was->mtime_ns == -1 && was->ctime_ns == INT64_MIN);
	assert_true(was->inode == UINT64_MAX && was->device == 2049);
	assert_int_equal(was->sha256.len, 32);
	assert_memory_equal(was->group.data, "adm", 3);
	/* What the agent had left in sha256 has no meaning without HASH_DONE. */
	assert_int_equal(same->after->sha256.len, 0);
	/* And it is the form that the generated code makes of it. */
	uint8_t packed[400];
	assert_int_equal(tsujiban__v1__event__pack(same, packed), out.len);
	assert_memory_equal(packed, out.data, out.len);
	tsujiban__v1__event__free_unpacked(same, NULL);
}

static void test_file_event_comes_back_the_same(void **state)
{
	(void)state;
	struct event event = a_modified();
	encode(&event);
	struct event back = decode();
	assert_true(back.seq == 0 && back.time_ns == event.time_ns);
	assert_int_equal(back.action, ACTION_MODIFIED);
	assert_int_equal(back.cause, CAUSE_LIVE);
	assert_true(slice_equal(back.path, event.path) && back.old_path.ptr == NULL);
	assert_int_equal(back.changed, event.changed);
	assert_int_equal(filestate_diff(back.before, &before), 0);
	assert_true(back.before->ctime_ns == INT64_MIN && back.before->device == 2049);
	assert_memory_equal(back.before->sha256, before.sha256, SHA256_BYTES);
	assert_true(slice_is(back.before->owner, "root") && slice_is(back.before->group, "adm"));
	assert_int_equal(back.after->hash, HASH_UNSTABLE);
	assert_null(back.before->target.ptr);
}

static void test_fact_event_comes_back_the_same(void **state)
{
	(void)state;
	struct fact old = {.kind = FACT_PACKAGE};
	old.field[PACKAGE_MANAGER] = slice_text("dpkg");
	old.field[PACKAGE_NAME] = slice_text("openssl");
	old.field[PACKAGE_ARCH] = slice_text("amd64");
	old.field[PACKAGE_VERSION] = slice_text("3.0.15");
	struct fact new = old;
	new.field[PACKAGE_VERSION] = slice_text("3.0.16");
	new.field[PACKAGE_STATUS] = slice_text("installed");
	struct event event = {.time_ns = -5,
	        .kind = EVENT_FACT,
	        .action = ACTION_UPGRADED,
	        .cause = CAUSE_OFFLINE,
	        .fact_before = &old,
	        .fact_after = &new};
	encode(&event);
	struct event back = decode();
	assert_true(back.time_ns == -5);
	assert_true(fact_equal(back.fact_before, &old));
	assert_true(fact_equal(back.fact_after, &new));
	assert_null(back.before);
	Tsujiban__V1__Event *same = tsujiban__v1__event__unpack(NULL, out.len, out.data);
	assert_int_equal(same->fact_before->n_field, 5);
	assert_int_equal(same->fact_after->n_field, 8);
	assert_int_equal(same->fact_after->field[PACKAGE_INSTANCE].len, 0);
	tsujiban__v1__event__free_unpacked(same, NULL);
}

static void test_golden_event_has_not_changed(void **state)
{
	(void)state;
	struct event event = {.time_ns = 1000,
	        .kind = EVENT_FILE,
	        .action = ACTION_TRANSIENT,
	        .cause = CAUSE_RESCAN,
	        .count = 3,
	        .path = slice_text("/a")};
	encode(&event);
	assert_int_equal(out.len, 15);
	assert_memory_equal(out.data, "\x08\xd0\x0f\x10\x01\x18\x06\x20\x04\x28\x03\x32\x02/a", 15);
}

static void test_every_cut_is_refused(void **state)
{
	(void)state;
	struct event event = a_modified(), cut;
	encode(&event);
	for (size_t len = 0; len < out.len; len++) {
		/* A copy of its own length, for AddressSanitizer. */
		uint8_t *copy = malloc(len ? len : 1);
		memcpy(copy, out.data, len);
		assert_int_equal(
		        wire_event_decode(slice_of(copy, len), arena, &cut, &why), ERR_FORMAT);
		free(copy);
	}
}

static void assert_event_refused(const char *bytes, size_t len, const char *sentence)
{
	struct event event;
	assert_int_equal(wire_event_decode(slice_of(bytes, len), arena, &event, &why), ERR_FORMAT);
	assert_string_equal(why.text, sentence);
}

static void test_wrong_fields_are_refused_by_name(void **state)
{
	(void)state;
	/* Tags: kind 0x10, action 0x18, cause 0x20, path 0x32, before 0x4a, after 0x52, and
	 * fact_before 0x5a. */
	assert_event_refused("\x10\x05", 2, "cannot take event: unknown kind 5");
	assert_event_refused("\x10\x01\x18\x16", 4, "cannot take event: unknown action 22");
	assert_event_refused("\x10\x01\x18\x01\x20\x06", 6, "cannot take event: unknown cause 6");
	assert_event_refused("\x10\x01\x18\x01\x20\x02\x32\x02/a\x52\x02\x08\x08", 14,
	        "cannot take event: unknown file type 8");
	assert_event_refused("\x10\x01\x18\x01\x20\x02\x32\x02/a\x52\x05\x08\x01\x18\x80\x20", 17,
	        "cannot take event: mode 010000");
	assert_event_refused("\x10\x01\x18\x01\x20\x02\x32\x03/\0a\x52\x02\x08\x01", 15,
	        "cannot take event: a path has a NUL byte");
	assert_event_refused("\x4a\x03\x5a\x01x", 5, "field 'sha256' has the wrong length");
	assert_event_refused("\x4a\x03\x08\x01", 4, "bytes are cut or no protobuf of 'Event'");
	assert_event_refused("\x4a\x02\x08\x81\x01", 5, "bytes are cut or no protobuf of 'Event'");
	assert_event_refused("\x12\x00", 2, "bytes are cut or no protobuf of 'Event'");
	assert_event_refused("\x5a\x1a\x12\x00\x12\x00\x12\x00\x12\x00\x12\x00\x12\x00\x12\x00"
	                     "\x12\x00\x12\x00\x12\x00\x12\x00\x12\x00\x12\x00",
	        28, "field 'fact_before' has too many fields");
	assert_event_refused("\x5a\x09\x08\x04\x12\x00\x12\x00\x12\x01x", 11,
	        "field 'fact_before' has too many fields");
	assert_event_refused(
	        "\x5a\x02\x08\x11", 4, "field 'fact_before' is a fact of no known kind");
}

static void test_hash_and_status_have_to_agree(void **state)
{
	(void)state;
	/* 2: file, created, live, "/a", after: regular, HASH_DONE without sha256. */
	assert_event_refused("\x10\x01\x18\x01\x20\x02\x32\x02/a\x52\x04\x08\x01\x10\x01", 16,
	        "field 'after': hash status and sha256 disagree");
	/* And a sha256 without HASH_DONE. */
	assert_event_refused("\x10\x01\x18\x01\x20\x02\x32\x02/a\x52\x24\x08\x01\x5a\x20"
	                     "................................",
	        48, "field 'after': hash status and sha256 disagree");
	struct event event = a_modified();
	memset(before.sha256, 0, SHA256_BYTES);
	assert_int_equal(wire_event_encode(&event, &out), ERR_FORMAT);
	assert_int_equal(out.len, 0);
}

static void test_event_that_makes_no_sense_is_refused_both_ways(void **state)
{
	(void)state;
	struct event event = a_modified();
	event.after = NULL;
	assert_int_equal(wire_event_encode(&event, &out), ERR_FORMAT);
	event = a_modified();
	event.path = slice_text("etc");
	assert_int_equal(wire_event_encode(&event, &out), ERR_FORMAT);
	assert_int_equal(out.len, 0);
	struct event decoded;
	assert_int_equal(
	        wire_event_decode(slice_of("\x10\x01", 2), arena, &decoded, &why), ERR_FORMAT);
	assert_int_equal(wire_event_decode(slice_of("", 0), arena, &decoded, &why), ERR_FORMAT);
}

static void test_event_beyond_its_limits_is_refused_both_ways(void **state)
{
	(void)state;
	static char large[WIRE_EVENT_BYTES_MAX + 1];
	memset(large, 'x', sizeof(large));
	large[0] = '/';
	struct event event = a_modified();
	event.detail = slice_of(large, WIRE_TEXT_MAX + 1);
	assert_int_equal(wire_event_encode(&event, &out), ERR_LIMIT);

	/* Each field is in order, all together are too much. */
	struct fact old = {.kind = FACT_PACKAGE}, new = old;
	for (int i = 0; i < FACT_FIELDS_MAX; i++)
		new.field[i] = old.field[i] = slice_of(large, FACT_FIELD_BYTES);
	event = (struct event){.kind = EVENT_FACT,
	        .action = ACTION_UPGRADED,
	        .cause = CAUSE_LIVE,
	        .fact_before = &old,
	        .fact_after = &new};
	assert_int_equal(wire_event_encode(&event, &out), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	assert_int_equal(
	        wire_event_decode(slice_of(large, sizeof(large)), arena, &event, &why), ERR_FORMAT);
}

static void test_every_small_arena_is_a_limit(void **state)
{
	(void)state;
	struct event event = a_modified(), decoded;
	encode(&event);
	/* after again, so that merging breaks off as well. */
	buf_append(&out, "\x52\x06\x08\x01\x10\x04\x30\x09", 8);
	arena_reset(arena);
	decode();
	size_t needed = arena_used(arena);
	for (size_t limit = 0; limit < needed; limit += 8) {
		struct arena *small = arena_new(limit);
		assert_int_equal(
		        wire_event_decode(buf_slice(&out), small, &decoded, &why), ERR_LIMIT);
		arena_free(small);
	}
	assert_string_equal(why.text, "event is too large for its memory limit at field 'after'");
}

/* The parts of an event are merged by protobuf-c, which moves pieces from one to the other and
 * frees what is left: the arena keeps them all. */
static void test_part_given_twice_is_merged(void **state)
{
	(void)state;
	struct event event = a_modified();
	encode(&event);
	/* after again without texts: they come from the first. */
	buf_append(&out, "\x52\x06\x08\x01\x10\x04\x30\x09", 8);
	struct event back = decode();
	assert_true(back.after->size == 9);
	assert_true(slice_is(back.after->owner, "root") && slice_is(back.after->group, "adm"));
	assert_true(slice_is(back.before->owner, "root"));
}

static void test_merging_ends_at_the_memory_limit(void **state)
{
	(void)state;
	struct event event;
	buf_append(&out, "\x10\x02\x18\x0a\x20\x02", 6);
	/* Each fact_after adds a field to those so far, in a new piece: quadratic. */
	for (int i = 0; i < 10000; i++)
		buf_append(&out, "\x62\x03\x12\x01x", 5);
	assert_int_equal(wire_event_decode(buf_slice(&out), arena, &event, &why), ERR_LIMIT);
	assert_string_equal(why.text, "'Event' is too large for its memory limit");
	assert_true(arena_used(arena) <= 1 << 20);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_file_event_is_as_the_contract_says),
	        CASE(test_file_event_comes_back_the_same),
	        CASE(test_fact_event_comes_back_the_same),
	        CASE(test_golden_event_has_not_changed),
	        CASE(test_every_cut_is_refused),
	        CASE(test_wrong_fields_are_refused_by_name),
	        CASE(test_hash_and_status_have_to_agree),
	        CASE(test_event_that_makes_no_sense_is_refused_both_ways),
	        CASE(test_event_beyond_its_limits_is_refused_both_ways),
	        CASE(test_every_small_arena_is_a_limit),
	        CASE(test_part_given_twice_is_merged),
	        CASE(test_merging_ends_at_the_memory_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
