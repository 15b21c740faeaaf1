#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/codec/wire.h"
#include "proto/tsujiban.pb-c.h"

#include "tests/unit/common-codec/wire_ends.h"

static void assert_refused(enum frame_kind kind, struct slice payload, const char *sentence)
{
	struct message message;
	assert_int_equal(wire_decode(kind, payload, arena, &message, &why), ERR_FORMAT);
	assert_string_equal(why.text, sentence);
}

static struct message a_hello(void)
{
	return (struct message){.kind = FRAME_HELLO,
	        .hello = {.stream_id = {1, 2, 3, [15] = 16},
	                .first_seq = 5,
	                .next_seq = UINT64_MAX,
	                .agent_version = slice_text("0.1.0")}};
}

static void assert_bytes(ProtobufCBinaryData bytes, const char *text)
{
	assert_true(slice_is(slice_of(bytes.data, bytes.len), text));
}

/* --- messages against the code generated from the contract ------------------------------------ */

static void test_hello_is_as_the_contract_says(void **state)
{
	(void)state;
	struct message hello = a_hello();
	encode(&hello);
	Tsujiban__V1__Hello *same = tsujiban__v1__hello__unpack(NULL, out.len, out.data);
	assert_non_null(same);
	assert_int_equal(same->stream_id.len, 16);
	assert_memory_equal(same->stream_id.data, hello.hello.stream_id, 16);
	assert_true(same->first_seq == 5 && same->next_seq == UINT64_MAX);
	assert_bytes(same->agent_version, "0.1.0");
	uint8_t packed[100];
	assert_int_equal(tsujiban__v1__hello__pack(same, packed), out.len);
	assert_memory_equal(packed, out.data, out.len);
	tsujiban__v1__hello__free_unpacked(same, NULL);

	struct hello back = decode(FRAME_HELLO).hello;
	assert_memory_equal(back.stream_id, hello.hello.stream_id, 16);
	assert_true(back.first_seq == 5 && back.next_seq == UINT64_MAX);
	assert_true(slice_is(back.agent_version, "0.1.0"));
}

static void test_welcome_is_as_the_contract_says(void **state)
{
	(void)state;
	struct message welcome = {.kind = FRAME_WELCOME,
	        .welcome = {.stored_seq = 7,
	                .host = slice_text("web01"),
	                .heartbeat_s = 30,
	                .config_version = 1ull << 63}};
	encode(&welcome);
	Tsujiban__V1__Welcome *same = tsujiban__v1__welcome__unpack(NULL, out.len, out.data);
	assert_non_null(same);
	assert_true(same->stored_seq == 7 && same->heartbeat_s == 30);
	assert_true(same->config_version == 1ull << 63);
	assert_bytes(same->host, "web01");
	tsujiban__v1__welcome__free_unpacked(same, NULL);
	struct welcome back = decode(FRAME_WELCOME).welcome;
	assert_true(back.stored_seq == 7 && back.heartbeat_s == 30);
	assert_true(back.config_version == 1ull << 63 && slice_is(back.host, "web01"));
}

static void test_enrolment_is_as_the_contract_says(void **state)
{
	(void)state;
	struct message request = {.kind = FRAME_ENROLL_REQUEST,
	        .enroll_request = {
	                slice_text("t"), slice_text("h"), slice_text("c"), slice_text("v")}};
	encode(&request);
	Tsujiban__V1__EnrollRequest *asked = tsujiban__v1__enroll_request__unpack(
	        NULL, out.len, out.data);
	assert_bytes(asked->token, "t");
	assert_bytes(asked->host, "h");
	assert_bytes(asked->csr_pem, "c");
	assert_bytes(asked->agent_version, "v");
	tsujiban__v1__enroll_request__free_unpacked(asked, NULL);
	assert_true(slice_is(decode(FRAME_ENROLL_REQUEST).enroll_request.csr_pem, "c"));

	struct message reply = {.kind = FRAME_RENEW_REPLY,
	        .renew_reply = {slice_text("h"), slice_text("cert"), slice_text("ca")}};
	encode(&reply);
	Tsujiban__V1__RenewReply *answer = tsujiban__v1__renew_reply__unpack(
	        NULL, out.len, out.data);
	assert_bytes(answer->host, "h");
	assert_bytes(answer->cert_pem, "cert");
	assert_bytes(answer->ca_pem, "ca");
	tsujiban__v1__renew_reply__free_unpacked(answer, NULL);
	assert_true(slice_is(decode(FRAME_ENROLL_REPLY).enroll_reply.ca_pem, "ca"));
	assert_true(slice_is(decode(FRAME_RENEW_REPLY).renew_reply.cert_pem, "cert"));

	struct message renew = {.kind = FRAME_RENEW_REQUEST, .renew_request = {slice_text("csr")}};
	encode(&renew);
	assert_true(slice_is(decode(FRAME_RENEW_REQUEST).renew_request.csr_pem, "csr"));
}

static void test_short_messages_come_back(void **state)
{
	(void)state;
	struct message ack = {.kind = FRAME_ACK, .ack = {.stored_seq = 300}};
	encode(&ack);
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "\x08\xac\x02", 3);
	assert_true(decode(FRAME_ACK).ack.stored_seq == 300);

	struct message refused = {.kind = FRAME_REFUSED,
	        .refused = {.code = REFUSED_SEQUENCE, .text = slice_text("é")}};
	encode(&refused);
	assert_int_equal(decode(FRAME_REFUSED).refused.code, REFUSED_SEQUENCE);
	assert_true(slice_is(decode(FRAME_REFUSED).refused.text, "é"));

	struct message heartbeat = {.kind = FRAME_HEARTBEAT};
	encode(&heartbeat);
	assert_int_equal(out.len, 0);
	decode(FRAME_HEARTBEAT);
}

static void test_unknown_fields_are_skipped(void **state)
{
	(void)state;
	struct message hello = a_hello();
	encode(&hello);
	buf_append(&out,
	        "\xf9\x07"
	        "12345678",
	        10); /* number 127, 8 bytes */
	buf_append(&out,
	        "\xfd\x07"
	        "1234",
	        6);
	assert_true(decode(FRAME_HELLO).hello.first_seq == 5);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void test_wrong_fields_are_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		enum frame_kind kind;
		const char *payload;
		size_t len;
		const char *sentence;
	} rows[] = {
	        {FRAME_ACK, "\x08", 1,
	                "cannot read ack message: bytes are cut or no protobuf of 'Ack'"},
	        {FRAME_ACK, "\x0b\x01", 2,
	                "cannot read ack message: bytes are cut or no protobuf of 'Ack'"},
	        {FRAME_ACK, "\x12\x05\x01", 3,
	                "cannot read ack message: bytes are cut or no protobuf of 'Ack'"},
	        {FRAME_ACK, "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11,
	                "cannot read ack message: bytes are cut or no protobuf of 'Ack'"},
	        {FRAME_ACK, "\x0a\x01\x01", 3,
	                "cannot read ack message: bytes are cut or no protobuf of 'Ack'"},
	        {FRAME_ACK, "\x09\x01\x01\x01\x01\x01\x01\x01\x01", 9,
	                "cannot read ack message: bytes are cut or no protobuf of 'Ack'"},
	        {FRAME_HELLO, "\x0a\x01\x01", 3,
	                "cannot read hello message: field 'stream_id' has the wrong length"},
	        {FRAME_HELLO, "\x10\x01\x18\x01", 4,
	                "cannot read hello message: field 'stream_id' is missing"},
	        {FRAME_HELLO, "\x0a\x10zzzzzzzzzzzzzzzz\x10\x02\x18\x01", 22,
	                "cannot read hello message: field 'first_seq' is not between 1 and "
	                "next_seq"},
	        {FRAME_HELLO, "\x0a\x10zzzzzzzzzzzzzzzz\x18\x01", 20,
	                "cannot read hello message: field 'first_seq' is not between 1 and "
	                "next_seq"},
	        {FRAME_HEARTBEAT, "\x08", 1,
	                "cannot read heartbeat message: bytes are cut or no protobuf of "
	                "'Heartbeat'"},
	        {FRAME_WELCOME, "\x12\x02\xc3\x28", 4,
	                "cannot read welcome message: field 'host' is no text"},
	        {FRAME_WELCOME,
	                "\x12\x03"
	                "a\0b",
	                5, "cannot read welcome message: field 'host' is no text"},
	        {FRAME_REFUSED, "", 0, "cannot read refused message: field 'code' is missing"},
	        {FRAME_REFUSED, "\x08\x80\x02", 3,
	                "cannot read refused message: field 'code' is out of range"},
	        {FRAME_ENROLL_REQUEST, "\x0a\x01\0", 3,
	                "cannot read enroll request message: field 'token' is no text"},
	        {FRAME_RENEW_REPLY, "\x12\x01\0", 3,
	                "cannot read renew reply message: field 'cert_pem' is no text"},
	        {FRAME_RENEW_REQUEST, "\x0a\x01\xff", 3,
	                "cannot read renew request message: field 'csr_pem' is no text"},
	        {FRAME_BATCH, "\x08\x01", 2,
	                "cannot read batch message: field 'events' is missing"},
	        {FRAME_BATCH, "\x12\x01x", 3,
	                "cannot read batch message: field 'first_seq' is out of range"},
	        {FRAME_BATCH, "\x08\x01\x12\x00", 4,
	                "cannot read batch message: field 'events' has an empty one"},
	        {FRAME_CONFIG, "", 0, "config messages are not spoken by this program"},
	        {(enum frame_kind)0, "", 0, "unknown messages are not spoken by this program"},
	        {(enum frame_kind)99, "", 0, "unknown messages are not spoken by this program"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(
		        rows[i].kind, slice_of(rows[i].payload, rows[i].len), rows[i].sentence);
}

static void test_encoding_refuses_what_decoding_would(void **state)
{
	(void)state;
	static uint8_t large[WIRE_PEM_MAX + 1];
	memset(large, 'x', sizeof(large));
	struct message message = a_hello();
	message.hello.agent_version = slice_of(large, WIRE_TEXT_MAX + 1);
	assert_int_equal(wire_encode(&message, &out), ERR_LIMIT);
	message.hello.agent_version = slice_of("a\0b", 3);
	assert_int_equal(wire_encode(&message, &out), ERR_FORMAT);
	message = a_hello();
	memset(message.hello.stream_id, 0, WIRE_STREAM_ID_BYTES);
	assert_int_equal(wire_encode(&message, &out), ERR_FORMAT);
	message = (struct message){
	        .kind = FRAME_RENEW_REQUEST, .renew_request = {slice_of(large, sizeof(large))}};
	assert_int_equal(wire_encode(&message, &out), ERR_LIMIT);
	message.kind = FRAME_CONFIG;
	assert_int_equal(wire_encode(&message, &out), ERR_FORMAT);
	assert_int_equal(out.len, 0);
}

static void test_texts_above_their_caps_are_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		enum frame_kind kind;
		uint32_t number;
		size_t max;
		const char *sentence;
	} rows[] = {
	        {FRAME_WELCOME, 2, WIRE_TEXT_MAX,
	                "cannot read welcome message: field 'host' is too long"},
	        {FRAME_ENROLL_REQUEST, 3, WIRE_PEM_MAX,
	                "cannot read enroll request message: field 'csr_pem' is too long"},
	        {FRAME_ENROLL_REPLY, 2, WIRE_PEM_MAX,
	                "cannot read enroll reply message: field 'cert_pem' is too long"},
	        {FRAME_RENEW_REQUEST, 1, WIRE_PEM_MAX,
	                "cannot read renew request message: field 'csr_pem' is too long"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		buf_append_varint(&out, rows[i].number << 3 | 2);
		buf_append_varint(&out, rows[i].max + 1);
		memset(buf_reserve(&out, rows[i].max + 1), 'x', rows[i].max + 1);
		out.len += rows[i].max + 1;
		assert_refused(rows[i].kind, buf_slice(&out), rows[i].sentence);
	}
}

static void test_last_of_a_field_given_twice_counts(void **state)
{
	(void)state;
	struct message message;
	assert_int_equal(
	        wire_decode(FRAME_ACK, slice_of("\x08\x01\x08\x02", 4), arena, &message, &why), 0);
	assert_true(message.ack.stored_seq == 2);
	assert_int_equal(wire_decode(FRAME_WELCOME,
	                         slice_of("\x12\x01"
	                                  "a\x12\x02zz",
	                                 7),
	                         arena, &message, &why),
	        0);
	assert_true(slice_is(message.welcome.host, "zz"));
}

/* --- batches ---------------------------------------------------------------------------------- */

static void test_batch_keeps_its_events_in_order(void **state)
{
	(void)state;
	struct slice events[] = {slice_text("one"), slice_text("two"), slice_text("three")};
	struct message message = {
	        .kind = FRAME_BATCH, .batch = {.first_seq = 41, .count = 3, .events = events}};
	encode(&message);
	Tsujiban__V1__Batch *same = tsujiban__v1__batch__unpack(NULL, out.len, out.data);
	assert_non_null(same);
	assert_true(same->first_seq == 41 && same->n_events == 3);
	assert_memory_equal(same->events[2].data, "three", 5);
	uint8_t packed[100];
	assert_int_equal(tsujiban__v1__batch__pack(same, packed), out.len);
	assert_memory_equal(packed, out.data, out.len);
	tsujiban__v1__batch__free_unpacked(same, NULL);

	struct batch batch = decode(FRAME_BATCH).batch;
	assert_true(batch.first_seq == 41 && batch.count == 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(slice_equal(batch.events[i], events[i]));
}

static void test_golden_batch_has_not_changed(void **state)
{
	(void)state;
	static const uint8_t golden[] = "\x08\xac\x02\x12\x03one\x12\x02zz";
	struct slice events[] = {slice_text("one"), slice_text("zz")};
	struct message message = {
	        .kind = FRAME_BATCH, .batch = {.first_seq = 300, .count = 2, .events = events}};
	encode(&message);
	assert_int_equal(out.len, sizeof(golden) - 1);
	assert_memory_equal(out.data, golden, out.len);
}

/* wire_encode packs a few events at a time; nobody is to see that. */
static void test_large_batch_is_as_if_packed_at_once(void **state)
{
	(void)state;
	static struct slice events[200];
	static uint8_t bytes[200];
	for (size_t i = 0; i < 200; i++) {
		bytes[i] = (uint8_t)i;
		events[i] = slice_of(&bytes[i], 1);
	}
	struct message message = {.kind = FRAME_BATCH, .batch = {.first_seq = 7, .events = events}};
	static const size_t counts[] = {1, 63, 64, 65, 128, 200};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		message.batch.count = counts[i];
		encode(&message);
		Tsujiban__V1__Batch *same = tsujiban__v1__batch__unpack(NULL, out.len, out.data);
		assert_int_equal(same->n_events, counts[i]);
		assert_int_equal(same->events[counts[i] - 1].data[0], counts[i] - 1);
		uint8_t packed[1000];
		assert_int_equal(tsujiban__v1__batch__pack(same, packed), out.len);
		assert_memory_equal(packed, out.data, out.len);
		tsujiban__v1__batch__free_unpacked(same, NULL);
	}
}

static void test_batch_limits_hold_both_ways(void **state)
{
	(void)state;
	static struct slice events[WIRE_BATCH_EVENTS_MAX + 1];
	for (size_t i = 0; i <= WIRE_BATCH_EVENTS_MAX; i++)
		events[i] = slice_text("e");
	struct message message = {.kind = FRAME_BATCH,
	        .batch = {.first_seq = 1, .count = WIRE_BATCH_EVENTS_MAX + 1, .events = events}};
	assert_int_equal(wire_encode(&message, &out), ERR_LIMIT);
	message.batch.count--;
	encode(&message);
	assert_int_equal(decode(FRAME_BATCH).batch.count, WIRE_BATCH_EVENTS_MAX);
	struct arena *small = arena_new(1000);
	struct message decoded;
	assert_int_equal(
	        wire_decode(FRAME_BATCH, buf_slice(&out), small, &decoded, &why), ERR_LIMIT);
	assert_string_equal(
	        why.text, "cannot read batch message: 'Batch' is too large for its memory limit");
	arena_free(small);
	buf_append(&out,
	        "\x12\x01"
	        "e",
	        3);
	assert_refused(FRAME_BATCH, buf_slice(&out),
	        "cannot read batch message: field 'events' has too many");

	static uint8_t large[WIRE_EVENT_BYTES_MAX + 1];
	for (size_t i = 0; i < 200; i++)
		events[i] = slice_of(large, WIRE_EVENT_BYTES_MAX);
	message = (struct message){
	        .kind = FRAME_BATCH, .batch = {.first_seq = 1, .count = 200, .events = events}};
	buf_reset(&out);
	assert_int_equal(wire_encode(&message, &out), ERR_LIMIT);
	events[0] = slice_of(large, sizeof(large));
	assert_int_equal(wire_encode(&message, &out), ERR_LIMIT);
	events[0] = slice_of(large, 0);
	assert_int_equal(wire_encode(&message, &out), ERR_FORMAT);
	assert_int_equal(out.len, 0);
}

static void test_message_goes_through_a_frame(void **state)
{
	(void)state;
	struct buf scratch = BUF_INIT;
	struct frame frame;
	struct slice payload;
	struct message message = a_hello();
	assert_int_equal(wire_append_frame(&message, &scratch, &out), 0);
	assert_int_equal(frame_parse(buf_slice(&out), &frame, &why), out.len);
	assert_int_equal(frame_open(&frame, &scratch, &payload, &why), 0);
	assert_int_equal(wire_decode(frame.kind, payload, arena, &message, &why), 0);
	assert_true(message.hello.first_seq == 5);
	buf_fini(&scratch);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_hello_is_as_the_contract_says),
	        CASE(test_welcome_is_as_the_contract_says),
	        CASE(test_enrolment_is_as_the_contract_says),
	        CASE(test_short_messages_come_back),
	        CASE(test_unknown_fields_are_skipped),
	        CASE(test_wrong_fields_are_refused_by_name),
	        CASE(test_encoding_refuses_what_decoding_would),
	        CASE(test_texts_above_their_caps_are_refused_by_name),
	        CASE(test_last_of_a_field_given_twice_counts),
	        CASE(test_golden_batch_has_not_changed),
	        CASE(test_large_batch_is_as_if_packed_at_once),
	        CASE(test_batch_keeps_its_events_in_order),
	        CASE(test_batch_limits_hold_both_ways),
	        CASE(test_message_goes_through_a_frame),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
