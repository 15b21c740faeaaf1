#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>

#include "common/base/digest.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/codec/dictionary.h"
#include "common/codec/frame.h"

static struct reason why;

static void assert_round_trip(struct slice payload, uint8_t flags)
{
	struct buf stream = BUF_INIT, scratch = BUF_INIT;
	struct frame frame;
	struct slice opened;
	assert_int_equal(frame_append(&stream, FRAME_BATCH, payload), 0);
	assert_int_equal(frame_parse(buf_slice(&stream), &frame, &why), stream.len);
	assert_int_equal(frame.kind, FRAME_BATCH);
	assert_int_equal(frame.flags, flags);
	assert_int_equal(frame_open(&frame, &scratch, &opened, &why), 0);
	assert_true(slice_equal(opened, payload));
	buf_fini(&stream);
	buf_fini(&scratch);
}

static void test_payloads_come_back_the_same(void **state)
{
	(void)state;
	uint8_t random[5000];
	uint8_t same[5000] = {0};
	random_bytes(random, sizeof(random));
	assert_round_trip(slice_of(NULL, 0), 0);
	assert_round_trip(slice_of(same, 63), 0);
	assert_round_trip(slice_of(same, 64), FRAME_ZSTD | FRAME_DICTIONARY);
	assert_round_trip(slice_of(same, 4096), FRAME_ZSTD | FRAME_DICTIONARY);
	assert_round_trip(slice_of(same, 4097), FRAME_ZSTD);
	assert_round_trip(slice_of(same, sizeof(same)), FRAME_ZSTD);
	assert_round_trip(slice_of(random, sizeof(random)), 0);
}

/* Logs keep frames that need it. */
static void test_the_dictionary_is_the_one_of_this_protocol(void **state)
{
	(void)state;
	uint8_t digest[SHA256_BYTES];
	struct buf hex = BUF_INIT;
	digest_of(dictionary(), digest);
	text_append_hex(&hex, slice_of(digest, sizeof(digest)));
	assert_string_equal(buf_text(&hex), "c2886da39e1a0e6c408afa2243366519"
	                                    "3e0799243630d862af00743ad0a4cc1b");
	buf_fini(&hex);
}

static void test_packages_that_many_have_are_known_to_the_dictionary(void **state)
{
	(void)state;
	static const char TEXT[] = "python3-distutils\0libsystemd0\0init-system-helpers\0perl-base"
	                           "\0libgcc-s1\0ca-certificates\0libgdk-pixbuf-2.0-0\0adduser";
	struct slice payload = slice_of(TEXT, sizeof(TEXT));
	uint8_t alone[1024];
	size_t alone_len = ZSTD_compress(alone, sizeof(alone), payload.ptr, payload.len, 19);
	struct buf stream = BUF_INIT;
	assert_false(ZSTD_isError(alone_len));
	assert_int_equal(frame_append(&stream, FRAME_BUCKET, payload), 0);
	assert_true(stream.len < alone_len * 3 / 4);
	buf_reset(&stream);
	assert_int_equal(frame_append(&stream, FRAME_BATCH, payload), 0);
	assert_true(stream.len < alone_len);
	buf_fini(&stream);
}

static void test_golden_frame_has_not_changed(void **state)
{
	(void)state;
	struct buf stream = BUF_INIT;
	assert_int_equal(frame_append(&stream, FRAME_ACK, slice_text("abc")), 0);
	assert_int_equal(frame_append(&stream, FRAME_HEARTBEAT, slice_of(NULL, 0)), 0);
	assert_int_equal(stream.len, 15);
	assert_memory_equal(stream.data, "\0\0\0\5\4\0abc\0\0\0\2\12\0", 15);
	buf_fini(&stream);
}

static void test_largest_payload_fits_when_it_compresses(void **state)
{
	(void)state;
	uint8_t *same = mem_new(FRAME_PAYLOAD_MAX + 1);
	struct buf stream = BUF_INIT;
	assert_round_trip(slice_of(same, FRAME_PAYLOAD_MAX), FRAME_ZSTD);
	assert_int_equal(frame_append(&stream, FRAME_BATCH, slice_of(same, FRAME_PAYLOAD_MAX + 1)),
	        ERR_LIMIT);
	assert_int_equal(stream.len, 0);
	free(same);
	buf_fini(&stream);
}

static void test_payload_too_large_for_the_wire_appends_nothing(void **state)
{
	(void)state;
	const size_t most = FRAME_LENGTH_MAX - FRAME_HEADER_BYTES;
	uint8_t *random = mem_new(most + 1);
	struct buf stream = BUF_INIT;
	random_bytes(random, most + 1);
	assert_int_equal(frame_append(&stream, FRAME_BATCH, slice_of(random, most + 1)), ERR_LIMIT);
	assert_int_equal(stream.len, 0);
	assert_int_equal(frame_append(&stream, FRAME_BATCH, slice_of(random, most)), 0);
	assert_int_equal(stream.len, FRAME_LENGTH_MAX);
	struct frame frame;
	assert_int_equal(frame_parse(buf_slice(&stream), &frame, &why), FRAME_LENGTH_MAX);
	free(random);
	buf_fini(&stream);
}

static void test_every_cut_of_a_frame_asks_for_more(void **state)
{
	(void)state;
	struct buf stream = BUF_INIT;
	struct frame frame;
	assert_int_equal(frame_append(&stream, FRAME_ACK, slice_text("abc")), 0);
	for (size_t len = 0; len < stream.len; len++)
		assert_int_equal(frame_parse(slice_of(stream.data, len), &frame, &why), 0);
	buf_append_text(&stream, "next");
	assert_int_equal(frame_parse(buf_slice(&stream), &frame, &why), 9);
	assert_true(slice_is(frame.payload, "abc"));
	buf_fini(&stream);
}

static void test_lost_streams_are_refused_by_their_first_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		int rc;
	} rows[] = {
	        {"\x00\x0f\xff\xfd", 4, ERR_LIMIT},
	        {"\xff\xff\xff\xff", 4, ERR_LIMIT},
	        {"\x00\x0f\xff\xfc", 4, 0},
	        {"\x00\x00\x00\x01", 4, ERR_FORMAT},
	        {"\x00\x00\x00\x00", 4, ERR_FORMAT},
	        {"\x00\x00\x01\x00\x00\x00", 6, ERR_FORMAT},
	        {"\x00\x00\x01\x00\x10\x00", 6, ERR_FORMAT},
	        {"\x00\x00\x01\x00\x01\x02", 6, ERR_FORMAT},
	        {"\x00\x00\x01\x00\x01\x81", 6, ERR_FORMAT},
	        {"\x00\x00\x01\x00\x01\x01", 6, 0},
	};
	struct frame frame;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(frame_parse(slice_of(rows[i].bytes, rows[i].len), &frame, &why),
		        rows[i].rc);
}

static int open_packed(struct slice packed)
{
	struct frame frame = {.kind = FRAME_BATCH, .flags = FRAME_ZSTD, .payload = packed};
	struct buf scratch = BUF_INIT;
	struct slice opened;
	int rc = frame_open(&frame, &scratch, &opened, &why);
	assert_true(scratch.cap <= 64 * 1024);
	buf_fini(&scratch);
	return rc;
}

/* One zstd frame of 1000 zeros, with or without its content size. */
static size_t pack(uint8_t *to, size_t room, bool has_size)
{
	static const uint8_t zeros[1000];
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, has_size);
	size_t len = ZSTD_compress2(context, to, room, zeros, sizeof(zeros));
	ZSTD_freeCCtx(context);
	assert_false(ZSTD_isError(len));
	return len;
}

static void test_compressed_frame_without_size_is_refused(void **state)
{
	(void)state;
	uint8_t packed[200];
	size_t len = pack(packed, sizeof(packed), false);
	assert_int_equal(open_packed(slice_of(packed, len)), ERR_FORMAT);
	assert_int_equal(open_packed(slice_of(NULL, 0)), ERR_FORMAT);
	assert_int_equal(open_packed(slice_text("no zstd at all")), ERR_FORMAT);
	/* A skippable frame. */
	assert_int_equal(open_packed(slice_of("\x50\x2a\x4d\x18\0\0\0\0", 8)), ERR_FORMAT);
}

static void test_declared_size_is_capped_before_anything_is_allocated(void **state)
{
	(void)state;
	/* Magic, descriptor (size of 8 bytes, single segment), size, an empty last block. */
	uint8_t packed[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 0x01, 0, 0};
	assert_int_equal(open_packed(slice_of(packed, sizeof(packed))), ERR_LIMIT);
	memset(packed + 5, 0xfe, 8);
	assert_int_equal(open_packed(slice_of(packed, sizeof(packed))), ERR_LIMIT);
}

static void test_content_that_differs_from_its_declared_size_is_refused(void **state)
{
	(void)state;
	uint8_t packed[200];
	size_t len = pack(packed, sizeof(packed), true);
	assert_int_equal(open_packed(slice_of(packed, len)), 0);
	/* 2 bytes of size behind magic and descriptor hold it minus 256. */
	assert_int_equal(packed[4] & 0xc0, 0x40);
	packed[5]++;
	assert_int_equal(open_packed(slice_of(packed, len)), ERR_FORMAT);
	packed[5] -= 2;
	assert_int_equal(open_packed(slice_of(packed, len)), ERR_FORMAT);
}

static void test_cut_or_doubled_compressed_frame_is_refused(void **state)
{
	(void)state;
	uint8_t packed[400];
	size_t len = pack(packed, sizeof(packed), true);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(open_packed(slice_of(packed, cut)), ERR_FORMAT);
	memcpy(packed + len, packed, len);
	assert_int_equal(open_packed(slice_of(packed, 2 * len)), ERR_FORMAT);
	assert_int_equal(open_packed(slice_of(packed, len + 1)), ERR_FORMAT);
}

static void *frames_on_a_thread(void *unused)
{
	static const uint8_t zeros[5000];
	for (int i = 0; i < 50; i++)
		assert_round_trip(slice_of(zeros, sizeof(zeros) - 20u * (size_t)i),
		        i < 46 ? FRAME_ZSTD : FRAME_ZSTD | FRAME_DICTIONARY);
	return unused;
}

static void test_threads_have_contexts_of_their_own(void **state)
{
	(void)state;
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, frames_on_a_thread, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void test_frames_go_on_after_a_rest(void **state)
{
	(void)state;
	uint8_t same[5000] = {0};
	frame_rest();
	assert_round_trip(slice_of(same, sizeof(same)), FRAME_ZSTD);
	frame_rest();
	frame_rest();
	assert_round_trip(slice_of(same, sizeof(same)), FRAME_ZSTD);
}

static void test_every_kind_has_a_name(void **state)
{
	(void)state;
	for (int kind = 1; kind <= FRAME_KIND_MAX; kind++)
		assert_string_not_equal(frame_kind_name((enum frame_kind)kind), "unknown");
	assert_string_equal(frame_kind_name((enum frame_kind)0), "unknown");
	assert_string_equal(frame_kind_name((enum frame_kind)(FRAME_KIND_MAX + 1)), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_payloads_come_back_the_same),
	        cmocka_unit_test(test_the_dictionary_is_the_one_of_this_protocol),
	        cmocka_unit_test(test_packages_that_many_have_are_known_to_the_dictionary),
	        cmocka_unit_test(test_golden_frame_has_not_changed),
	        cmocka_unit_test(test_largest_payload_fits_when_it_compresses),
	        cmocka_unit_test(test_payload_too_large_for_the_wire_appends_nothing),
	        cmocka_unit_test(test_every_cut_of_a_frame_asks_for_more),
	        cmocka_unit_test(test_lost_streams_are_refused_by_their_first_bytes),
	        cmocka_unit_test(test_compressed_frame_without_size_is_refused),
	        cmocka_unit_test(test_declared_size_is_capped_before_anything_is_allocated),
	        cmocka_unit_test(test_content_that_differs_from_its_declared_size_is_refused),
	        cmocka_unit_test(test_cut_or_doubled_compressed_frame_is_refused),
	        cmocka_unit_test(test_threads_have_contexts_of_their_own),
	        cmocka_unit_test(test_frames_go_on_after_a_rest),
	        cmocka_unit_test(test_every_kind_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
