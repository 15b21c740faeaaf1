#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/text.h"

static void assert_display(struct slice bytes, const char *want)
{
	struct buf out = BUF_INIT;
	text_append_display(&out, bytes);
	assert_string_equal(buf_text(&out), want);
	buf_fini(&out);
}

static void test_hex_goes_there_and_back(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	uint8_t back[4];
	text_append_hex(&out, slice_of("\x00\x9f\xff\x10", 4));
	assert_string_equal(buf_text(&out), "009fff10");
	assert_true(text_parse_hex(buf_slice(&out), back, 4));
	assert_memory_equal(back, "\x00\x9f\xff\x10", 4);
	assert_true(text_parse_hex(slice_text("AbCd"), back, 2));
	assert_memory_equal(back, "\xab\xcd", 2);
	assert_false(text_parse_hex(slice_text("abc"), back, 2));
	assert_false(text_parse_hex(slice_text("abcde"), back, 2));
	assert_false(text_parse_hex(slice_text("abcg"), back, 2));
	assert_false(text_parse_hex(slice_text("abcdef"), back, 2));
	buf_fini(&out);
}

static void test_base64_is_that_of_rfc_4648(void **state)
{
	(void)state;
	static const char *const EXAMPLES[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
	        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
	        {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "+/+/"}};
	for (size_t i = 0; i < sizeof(EXAMPLES) / sizeof(EXAMPLES[0]); i++) {
		struct buf out = BUF_INIT;
		text_append_base64(&out, slice_text(EXAMPLES[i][0]));
		assert_string_equal(buf_text(&out), EXAMPLES[i][1]);
		buf_fini(&out);
	}
}

static void test_only_rfc_3629_is_utf8(void **state)
{
	(void)state;
	static const char *const RIGHT[] = {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xed\x9f\xbf",
	        "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const WRONG[] = {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf",
	        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
	        "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2\x28\xa1"};
	for (size_t i = 0; i < sizeof(RIGHT) / sizeof(RIGHT[0]); i++)
		assert_true(text_is_utf8(slice_text(RIGHT[i])));
	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++)
		assert_false(text_is_utf8(slice_text(WRONG[i])));
}

static void test_nothing_that_moves_a_terminal_is_displayed(void **state)
{
	(void)state;
	assert_display(slice_text("/etc/\xe6\x97\xa5\xe6\x9c\xac \"x\""),
	        "/etc/\xe6\x97\xa5\xe6\x9c\xac \"x\"");
	assert_display(slice_text("a\nb\x1b[31m\x7f"), "a\\x0ab\\x1b[31m\\x7f");
	assert_display(slice_of("a\0b", 3), "a\\x00b");
	assert_display(slice_text("\xc2\x9b"), "\\xc2\\x9b"); /* C1 CSI */
	assert_display(slice_text("\xe2\x80\xae"
	                          "exe"),
	        "\\xe2\\x80\\xae"
	        "exe");                                                /* U+202E */
	assert_display(slice_text("\xe2\x81\xa6"), "\\xe2\\x81\\xa6"); /* U+2066 */
	assert_display(slice_text("caf\xe9 ok"), "caf\\xe9 ok");
	assert_display(slice_text("a\\x0a"), "a\\\\x0a");
	assert_display(slice_of(NULL, 0), "");
}

static void test_numbers_end_at_their_maximum(void **state)
{
	(void)state;
	uint64_t value = 5;
	assert_true(text_parse_u64(slice_text("0"), 10, &value) && value == 0);
	assert_true(text_parse_u64(slice_text("0010"), 10, &value) && value == 10);
	assert_true(text_parse_u64(slice_text("18446744073709551615"), UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
	static const char *const WRONG[] = {"", "11", "-1", "+1", " 1", "1 ", "0x1", "1.0",
	        "18446744073709551616", "99999999999999999999999"};
	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++)
		assert_false(text_parse_u64(slice_text(WRONG[i]), 10, &value));
	assert_false(text_parse_u64(slice_text("18446744073709551616"), UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
}

static void test_every_line_is_taken_once(void **state)
{
	(void)state;
	struct slice in = slice_text("a\n\nb\r\nlast"), line;
	assert_true(text_take_line(&in, &line) && slice_is(line, "a"));
	assert_true(text_take_line(&in, &line) && slice_is(line, ""));
	assert_true(text_take_line(&in, &line) && slice_is(line, "b\r"));
	assert_true(text_take_line(&in, &line) && slice_is(line, "last"));
	assert_false(text_take_line(&in, &line));
	in = slice_text("a\n");
	assert_true(text_take_line(&in, &line) && slice_is(line, "a"));
	assert_false(text_take_line(&in, &line));
}

static void test_trim_and_split_cut_where_told(void **state)
{
	(void)state;
	struct slice head = {0}, tail = {0};
	assert_true(slice_is(text_trim(slice_text(" \ta b\r\n ")), "a b"));
	assert_int_equal(text_trim(slice_text(" \t ")).len, 0);
	assert_true(text_split(slice_text("k=v=w"), '=', &head, &tail));
	assert_true(slice_is(head, "k") && slice_is(tail, "v=w"));
	assert_true(text_split(slice_text("="), '=', &head, &tail));
	assert_true(head.len == 0 && tail.len == 0);
	assert_false(text_split(slice_text("kv"), '=', &head, &tail));
	assert_false(text_split(slice_of(NULL, 0), '=', &head, &tail));
}

static void test_host_names_have_no_other_bytes(void **state)
{
	(void)state;
	static const char *const RIGHT[] = {"a", "web01", "web01.example.org", "_x", "a_b-c", "1"};
	static const char *const WRONG[] = {"", "-a", "a-", ".a", "a.", "a b", "a/b", "a\n", "é"};
	for (size_t i = 0; i < sizeof(RIGHT) / sizeof(RIGHT[0]); i++)
		assert_true(text_is_host_name(slice_text(RIGHT[i])));
	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++)
		assert_false(text_is_host_name(slice_text(WRONG[i])));
	char name[254];
	memset(name, 'a', sizeof(name));
	assert_true(text_is_host_name(slice_of(name, 253)));
	assert_false(text_is_host_name(slice_of(name, 254)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hex_goes_there_and_back),
	        cmocka_unit_test(test_base64_is_that_of_rfc_4648),
	        cmocka_unit_test(test_only_rfc_3629_is_utf8),
	        cmocka_unit_test(test_nothing_that_moves_a_terminal_is_displayed),
	        cmocka_unit_test(test_numbers_end_at_their_maximum),
	        cmocka_unit_test(test_every_line_is_taken_once),
	        cmocka_unit_test(test_trim_and_split_cut_where_told),
	        cmocka_unit_test(test_host_names_have_no_other_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
