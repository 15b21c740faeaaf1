#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/mem.h"

static void test_appended_bytes_stand_in_order(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT;
	for (unsigned i = 0; i < 1000; i++)
		buf_append_byte(&buf, (uint8_t)i);
	buf_append(&buf, NULL, 0);
	buf_append_slice(&buf, slice_text("end"));
	assert_int_equal(buf.len, 1003);
	assert_int_equal(buf.data[999], 999 & 255);
	assert_memory_equal(buf.data + 1000, "end", 3);
	buf_fini(&buf);
	buf_fini(&buf);
	buf_fini(NULL);
}

static void test_printf_longer_than_the_room_is_whole(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT;
	size_t want = 0;
	for (int width = 0; width < 300; width++) {
		buf_printf(&buf, "%*d", width, 7);
		want += width ? (size_t)width : 1;
		assert_int_equal(buf.len, want);
		assert_int_equal(buf.data[buf.len - 1], '7');
	}
	assert_int_equal(strlen(buf_text(&buf)), want);
	assert_int_equal(buf.len, want);
	buf_fini(&buf);
}

static void test_text_of_an_empty_buf_is_empty(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT;
	assert_string_equal(buf_text(&buf), "");
	buf_fini(&buf);
}

static void test_consumed_bytes_are_gone_from_the_front(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT;
	buf_append_text(&buf, "hello world");
	buf_consume(&buf, 0);
	buf_consume(&buf, 6);
	assert_true(slice_is(buf_slice(&buf), "world"));
	buf_consume(&buf, 100);
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
}

static void test_shrink_keeps_no_more_than_told(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT;
	buf_reserve(&buf, 10000);
	buf_shrink(&buf, 20000);
	assert_true(buf.cap >= 10000);
	buf_shrink(&buf, 1000);
	assert_int_equal(buf.cap, 1000);
	buf_shrink(&buf, 0);
	assert_int_equal(buf.cap, 0);
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
}

static void test_integers_come_back(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT;
	buf_append_u16(&buf, 0x1234);
	buf_append_u32(&buf, 0xdeadbeef);
	buf_append_u64(&buf, 0x0123456789abcdef);
	assert_memory_equal(
	        buf.data, "\x12\x34\xde\xad\xbe\xef\x01\x23\x45\x67\x89\xab\xcd\xef", 14);
	struct slice in = buf_slice(&buf);
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	assert_true(slice_take_u16(&in, &u16) && u16 == 0x1234);
	assert_true(slice_take_u32(&in, &u32) && u32 == 0xdeadbeef);
	struct slice cut = slice_of(in.ptr, 7), before = cut;
	assert_false(slice_take_u64(&cut, &u64));
	assert_ptr_equal(cut.ptr, before.ptr);
	assert_int_equal(cut.len, before.len);
	assert_true(slice_take_u64(&in, &u64) && u64 == 0x0123456789abcdef);
	uint8_t byte;
	assert_false(slice_take_byte(&in, &byte));
	buf_fini(&buf);
}

static void test_varints_come_back_at_every_length(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int step = -1; step <= 1; step++) {
			uint64_t value = ((uint64_t)1 << bit) + (uint64_t)step, back;
			buf_reset(&buf);
			buf_append_varint(&buf, value);
			struct slice in = buf_slice(&buf);
			assert_true(slice_take_varint(&in, &back));
			assert_true(back == value && in.len == 0);
			in = slice_of(buf.data, buf.len - 1);
			assert_false(slice_take_varint(&in, &back));
			assert_int_equal(in.len, buf.len - 1);
		}
	}
	buf_fini(&buf);
}

static void test_a_varint_beyond_64_bits_is_refused(void **state)
{
	(void)state;
	uint64_t value;
	struct slice most = slice_text("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	assert_true(slice_take_varint(&most, &value) && value == UINT64_MAX);
	struct slice wide = slice_text("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
	assert_false(slice_take_varint(&wide, &value));
	struct slice endless = slice_text("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01");
	assert_false(slice_take_varint(&endless, &value));
	assert_int_equal(endless.len, 11);
}

static void test_take_gives_exactly_what_is_there(void **state)
{
	(void)state;
	struct slice in = slice_text("abc"), out;
	assert_false(slice_take(&in, 4, &out));
	assert_true(slice_take(&in, 2, &out) && slice_is(out, "ab"));
	assert_true(slice_take(&in, 1, &out) && slice_is(out, "c"));
	assert_true(slice_take(&in, 0, &out) && out.len == 0);
	struct slice absent = {0};
	assert_true(slice_take(&absent, 0, &out));
}

static void test_memory_that_is_not_there_ends_the_process(void **state)
{
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(STDERR_FILENO);
		struct buf buf = BUF_INIT;
		buf_append_byte(&buf, 1);
		buf_reserve(&buf, SIZE_MAX);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

static void test_copies_of_nothing_are_there(void **state)
{
	(void)state;
	char *text = mem_copy_text(NULL, 0);
	assert_string_equal(text, "");
	free(text);
	void *copy = mem_copy(NULL, 0), *none = mem_new(0), *array = mem_new_array(0, 8);
	assert_true(copy && none && array);
	free(copy);
	free(none);
	free(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_appended_bytes_stand_in_order),
	        cmocka_unit_test(test_printf_longer_than_the_room_is_whole),
	        cmocka_unit_test(test_text_of_an_empty_buf_is_empty),
	        cmocka_unit_test(test_consumed_bytes_are_gone_from_the_front),
	        cmocka_unit_test(test_shrink_keeps_no_more_than_told),
	        cmocka_unit_test(test_integers_come_back),
	        cmocka_unit_test(test_varints_come_back_at_every_length),
	        cmocka_unit_test(test_a_varint_beyond_64_bits_is_refused),
	        cmocka_unit_test(test_take_gives_exactly_what_is_there),
	        cmocka_unit_test(test_memory_that_is_not_there_ends_the_process),
	        cmocka_unit_test(test_copies_of_nothing_are_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
