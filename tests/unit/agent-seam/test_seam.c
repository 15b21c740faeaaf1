#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/seam/seam.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

static struct arena *arena;
static struct buf bytes;
static struct reason why;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(1u << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	buf_fini(&bytes);
	return 0;
}

static int there_and_back(const struct seam_message *message, struct seam_message *out)
{
	buf_reset(&bytes);
	seam_encode(message, &bytes);
	return seam_decode((uint8_t)message->kind, buf_slice(&bytes), arena, out, &why);
}

static void test_texts_and_numbers(void **state)
{
	struct seam_message out;
	(void)state;
	const enum seam_kind texts[] = {SEAM_SETTINGS, SEAM_SORRY, SEAM_INSTALLED};
	for (size_t i = 0; i < 3; i++) {
		struct seam_message message = {.kind = texts[i], .text = slice_text("host:7443")};
		assert_int_equal(there_and_back(&message, &out), 0);
		assert_true(slice_is(out.text, "host:7443"));
	}
	const enum seam_kind numbers[] = {SEAM_PULL, SEAM_CONFIRMED};
	for (size_t i = 0; i < 2; i++) {
		struct seam_message message = {.kind = numbers[i], .seq = 0x123456789abcdef0};
		assert_int_equal(there_and_back(&message, &out), 0);
		assert_true(out.seq == 0x123456789abcdef0);
	}
	const enum seam_kind alone[] = {SEAM_ASK, SEAM_ANEW, SEAM_PING, SEAM_PONG};
	for (size_t i = 0; i < 4; i++) {
		struct seam_message message = {.kind = alone[i]};
		assert_int_equal(there_and_back(&message, &out), 0);
		assert_int_equal(bytes.len, 0);
	}
}

static struct seam_message a_greeting(void)
{
	struct seam_message message = {.kind = SEAM_GREETING};
	memset(message.greeting.stream_id, 7, WIRE_STREAM_ID_BYTES);
	message.greeting.first_seq = 3;
	message.greeting.next_seq = 9;
	message.greeting.facts_root = slice_text("0123456789abcdef");
	message.greeting.key_pem = slice_text("key");
	message.greeting.cert_pem = slice_text("cert");
	message.greeting.ca_pem = slice_text("ca");
	return message;
}

static void test_greeting(void **state)
{
	struct seam_message message = a_greeting(), out;
	(void)state;
	assert_int_equal(there_and_back(&message, &out), 0);
	assert_memory_equal(
	        out.greeting.stream_id, message.greeting.stream_id, WIRE_STREAM_ID_BYTES);
	assert_int_equal(out.greeting.first_seq, 3);
	assert_int_equal(out.greeting.next_seq, 9);
	assert_true(slice_is(out.greeting.facts_root, "0123456789abcdef"));
	assert_true(slice_is(out.greeting.key_pem, "key"));
	assert_true(slice_is(out.greeting.cert_pem, "cert"));
	assert_true(slice_is(out.greeting.ca_pem, "ca"));
}

static void test_greetings_that_cannot_be_are_refused(void **state)
{
	struct seam_message message, out;
	(void)state;
	message = a_greeting();
	message.greeting.facts_root = slice_text("short");
	assert_int_equal(there_and_back(&message, &out), ERR_FORMAT);
	message = a_greeting();
	message.greeting.first_seq = 10; /* behind next_seq */
	assert_int_equal(there_and_back(&message, &out), ERR_FORMAT);
	message = a_greeting();
	message.greeting.first_seq = 0;
	assert_int_equal(there_and_back(&message, &out), ERR_FORMAT);
}

static void test_events(void **state)
{
	struct slice events[3] = {slice_text("first"), slice_text("second"), slice_text("third")};
	struct seam_message message = {.kind = SEAM_EVENTS}, out;
	(void)state;
	message.events.batch = (struct batch){.first_seq = 5,
	        .count = 3,
	        .events = events,
	        .facts_root = slice_text("0123456789abcdef")};
	message.events.changed_seq = 4;
	assert_int_equal(there_and_back(&message, &out), 0);
	assert_int_equal(out.events.batch.first_seq, 5);
	assert_int_equal(out.events.batch.count, 3);
	assert_true(slice_is(out.events.batch.events[0], "first"));
	assert_true(slice_is(out.events.batch.events[2], "third"));
	assert_int_equal(out.events.changed_seq, 4);
	message.events.batch.count = 0; /* is not said */
	assert_int_equal(there_and_back(&message, &out), ERR_FORMAT);
	message.events.batch.count = 3;
	message.events.batch.first_seq = UINT64_MAX;
	assert_int_equal(there_and_back(&message, &out), ERR_FORMAT);
}

static void test_status(void **state)
{
	struct seam_message message = {.kind = SEAM_STATUS}, out;
	char long_text[SEAM_TEXT_MAX + 2];
	(void)state;
	message.status = (struct seam_status){.link = SEAM_STREAMING,
	        .connected_since_ns = 3,
	        .host = slice_text("web01"),
	        .why = slice_text("no route")};
	assert_int_equal(there_and_back(&message, &out), 0);
	assert_int_equal(out.status.link, SEAM_STREAMING);
	assert_int_equal(out.status.connected_since_ns, 3);
	assert_true(slice_is(out.status.host, "web01"));
	assert_true(slice_is(out.status.why, "no route"));
	message.status.link = (enum seam_link)9;
	assert_int_equal(there_and_back(&message, &out), ERR_FORMAT);
	message.status.link = SEAM_WAITING;
	memset(long_text, 'x', sizeof long_text);
	message.status.why = slice_of(long_text, sizeof long_text);
	assert_int_equal(there_and_back(&message, &out), ERR_FORMAT);
}

static void test_what_is_wanted_answered_and_installed(void **state)
{
	struct seam_message message = {.kind = SEAM_WANT, .want = slice_text("wanted")}, out;
	(void)state;
	assert_int_equal(there_and_back(&message, &out), 0);
	assert_true(slice_is(out.want, "wanted"));
	message = (struct seam_message){.kind = SEAM_ANSWER};
	message.answer.kind = FRAME_OFFER;
	message.answer.payload = slice_text("offered");
	assert_int_equal(there_and_back(&message, &out), 0);
	assert_int_equal(out.answer.kind, FRAME_OFFER);
	assert_true(slice_is(out.answer.payload, "offered"));
	message.answer.kind = FRAME_BATCH; /* nothing else goes out unread */
	assert_int_equal(there_and_back(&message, &out), ERR_FORMAT);
	message = (struct seam_message){.kind = SEAM_INSTALL};
	message.install.key_pem = slice_text("key");
	message.install.cert_pem = slice_text("cert");
	assert_int_equal(there_and_back(&message, &out), 0);
	assert_true(slice_is(out.install.key_pem, "key"));
	assert_true(slice_is(out.install.cert_pem, "cert"));
}

static void test_broken_messages_are_refused(void **state)
{
	struct seam_message message = a_greeting(), out;
	(void)state;
	assert_int_equal(seam_decode(0, slice_text(""), arena, &out, &why), ERR_FORMAT);
	assert_int_equal(
	        seam_decode(SEAM_KIND_MAX + 1, slice_text(""), arena, &out, &why), ERR_FORMAT);
	assert_int_equal(seam_decode(SEAM_PING, slice_text("x"), arena, &out, &why), ERR_FORMAT);
	seam_encode(&message, &bytes);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(
		        seam_decode(SEAM_GREETING, slice_of(bytes.data, len), arena, &out, &why),
		        ERR_FORMAT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_texts_and_numbers),
	        TEST(test_greeting),
	        TEST(test_greetings_that_cannot_be_are_refused),
	        TEST(test_events),
	        TEST(test_status),
	        TEST(test_what_is_wanted_answered_and_installed),
	        TEST(test_broken_messages_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
