#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/fim/textdiff.h"
#include "tests/unit/agent-fim/patch.h"

#define NO_NEWLINE "\\ No newline at end of file\n"

static struct arena *arena;
static struct buf out;

static int begin(void **unused)
{
	(void)unused;
	arena = arena_new(64u << 20);
	buf_init(&out);
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	arena_free(arena);
	buf_fini(&out);
	return 0;
}

static enum diff_gap diff(struct slice before, struct slice after, size_t most)
{
	arena_reset(arena);
	buf_reset(&out);
	return textdiff(before, after, most, arena, &out);
}

static void is_diff(const char *before, const char *after, const char *wanted)
{
	assert_int_equal(diff(slice_text(before), slice_text(after), 65536), DIFF_NOT_ASKED);
	assert_string_equal(buf_text(&out), wanted);
}

static void test_hunks_look_as_those_of_diff_u(void **unused)
{
	(void)unused;
	is_diff("a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
	is_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n5\n6\n7\n8\n9\n",
	        "@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+x\n 5\n 6\n 7\n");
	is_diff("", "a\n", "@@ -0,0 +1 @@\n+a\n");
	is_diff("a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b\n");
	is_diff("a\n", "a\n", "");
	is_diff("", "", "");
}

static void test_changes_six_lines_apart_share_a_hunk_and_seven_do_not(void **unused)
{
	(void)unused;
	is_diff("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
	        "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
	is_diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
	        "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n"
	        "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

static void test_a_missing_last_newline_is_told(void **unused)
{
	(void)unused;
	is_diff("a\nb", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n" NO_NEWLINE "+b\n");
	is_diff("a\nb\n", "a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n+b\n" NO_NEWLINE);
	is_diff("a\nz", "b\nz", "@@ -1,2 +1,2 @@\n-a\n+b\n z\n" NO_NEWLINE);
	is_diff("x", "x\ny\n", "@@ -1 +1,2 @@\n-x\n" NO_NEWLINE "+x\n+y\n");
}

static void test_carriage_returns_are_kept(void **unused)
{
	(void)unused;
	is_diff("a\r\nb\r\n", "a\r\nc\r\n", "@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n");
	is_diff("a\r\n", "a\n", "@@ -1 +1 @@\n-a\r\n+a\n");
}

static void test_line_numbers_count_what_both_begin_with(void **unused)
{
	(void)unused;
	struct buf before = BUF_INIT, after = BUF_INIT;
	for (int i = 1; i <= 1000; i++) {
		buf_printf(&before, "line %d\n", i);
		buf_printf(&after, i == 500 ? "other\n" : "line %d\n", i);
	}
	assert_int_equal(diff(buf_slice(&before), buf_slice(&after), 65536), DIFF_NOT_ASKED);
	assert_string_equal(buf_text(&out),
	        "@@ -497,7 +497,7 @@\n line 497\n line 498\n line 499\n-line 500\n+other\n"
	        " line 501\n line 502\n line 503\n");
	buf_fini(&before);
	buf_fini(&after);
}

static void test_a_diff_above_the_limit_is_none(void **unused)
{
	(void)unused;
	const char *wanted = "@@ -1 +1 @@\n-a\n+b\n";
	struct slice before = slice_text("a\n"), after = slice_text("b\n");
	assert_int_equal(diff(before, after, strlen(wanted)), DIFF_NOT_ASKED);
	assert_int_equal(diff(before, after, strlen(wanted) - 1), DIFF_TOO_LARGE);
	assert_int_equal(out.len, 0);
}

static void test_too_many_lines_are_too_large(void **unused)
{
	(void)unused;
	struct buf many = BUF_INIT;
	for (size_t i = 0; i <= TEXTDIFF_LINES_MAX; i++)
		buf_append_text(&many, "\n");
	assert_int_equal(diff(slice_text("x"), buf_slice(&many), 1u << 20), DIFF_TOO_LARGE);
	buf_fini(&many);
}

static void test_scratch_memory_that_is_full_is_too_large(void **unused)
{
	(void)unused;
	struct arena *small = arena_new(64);
	assert_int_equal(
	        textdiff(slice_text("a\nb\nc\nd\n"), slice_text("e\nf\ng\nh\n"), 4096, small, &out),
	        DIFF_TOO_LARGE);
	arena_free(small);
}

static void test_what_is_text(void **unused)
{
	(void)unused;
	static const uint8_t LATIN[] = "stra\xdf"
	                               "e\nna\xefve\n";
	static const uint8_t ODD[] = {0xff, 1, 2, 3, 0xfe, 4, 5, 6};
	assert_true(textdiff_is_text(slice_text("")));
	assert_true(textdiff_is_text(slice_text("plain\ttext\r\n")));
	assert_true(textdiff_is_text(slice_text("辻番 🏮\n")));
	assert_true(textdiff_is_text(slice_of(LATIN, sizeof(LATIN) - 1)));
	assert_false(textdiff_is_text(slice_of("a\0b", 3)));
	assert_false(textdiff_is_text(slice_of(ODD, sizeof(ODD))));
}

/* --- any two texts ---------------------------------------------------------------------------- */

static uint64_t seed = 88172645463325252;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

static void draw_text(struct buf *text, uint32_t most_lines, uint32_t kinds)
{
	uint32_t lines = draw(most_lines + 1);
	buf_reset(text);
	for (uint32_t i = 0; i < lines; i++)
		buf_printf(text, "%u%s\n", draw(kinds), draw(8) ? "" : "\r");
	if (text->len > 0 && draw(4) == 0)
		text->len--;
}

/* Some lines taken out, put in, replaced: what an editor does. */
static void edit_text(const struct buf *from, struct buf *to, uint32_t rate)
{
	struct slice rest = buf_slice(from);
	buf_reset(to);
	while (rest.len > 0) {
		struct slice line = take_line(&rest);
		uint32_t what = draw(rate);
		if (what == 0)
			continue;
		if (what == 1)
			buf_printf(to, "new %u\n", draw(100));
		buf_append_slice(to, line);
	}
}

static void leads_to(const struct buf *before, const struct buf *after)
{
	struct buf patched = BUF_INIT;
	assert_int_equal(diff(buf_slice(before), buf_slice(after), 8u << 20), DIFF_NOT_ASKED);
	assert_true(patch_applies(buf_slice(before), buf_slice(&out), &patched));
	assert_true(slice_equal(buf_slice(&patched), buf_slice(after)));
	assert_int_equal(out.len == 0, slice_equal(buf_slice(before), buf_slice(after)));
	buf_fini(&patched);
}

static void test_every_diff_leads_from_one_text_to_the_other(void **unused)
{
	(void)unused;
	struct buf before = BUF_INIT, after = BUF_INIT;
	for (unsigned i = 0; i < 3000; i++) {
		draw_text(&before, 1 + i % 60, 1 + i % 11);
		if (i % 2)
			draw_text(&after, 1 + i % 50, 1 + i % 11);
		else
			edit_text(&before, &after, 2 + i % 13);
		leads_to(&before, &after);
	}
	buf_fini(&before);
	buf_fini(&after);
}

/* More work than the bound allows. */
static void test_texts_without_a_common_line_are_replaced(void **unused)
{
	(void)unused;
	struct buf before = BUF_INIT, after = BUF_INIT;
	for (unsigned i = 0; i < 30000; i++) {
		buf_printf(&before, "b%u\n", i);
		buf_printf(&after, "a%u\n", i);
	}
	leads_to(&before, &after);
	buf_fini(&before);
	buf_fini(&after);
}

/* --- beside diff(1) and patch(1) -------------------------------------------------------------- */

static void write_file(const char *path, struct slice bytes)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
	assert_int_equal(fclose(file), 0);
}

static void read_file(FILE *file, struct buf *into)
{
	char bytes[4096];
	size_t got;
	buf_reset(into);
	while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0)
		buf_append(into, bytes, got);
}

static size_t changed_lines(struct slice text)
{
	size_t count = 0;
	while (text.len > 0) {
		struct slice line = take_line(&text);
		count += line.ptr[0] == '-' || line.ptr[0] == '+';
	}
	return count;
}

static void test_patch_takes_it_and_diff_finds_none_shorter(void **unused)
{
	(void)unused;
	struct buf before = BUF_INIT, after = BUF_INIT, other = BUF_INIT;
	char old[] = "/tmp/tsujiban-diff-a-XXXXXX", new[] = "/tmp/tsujiban-diff-b-XXXXXX";
	char command[256];
	if (system("command -v diff >/dev/null && command -v patch >/dev/null") != 0)
		skip();
	close(mkstemp(old));
	close(mkstemp(new));
	for (unsigned i = 0; i < 40; i++) {
		draw_text(&before, 40, 1 + i % 7);
		edit_text(&before, &after, 2 + i % 9);
		leads_to(&before, &after);
		write_file(old, buf_slice(&before));
		write_file(new, buf_slice(&after));
		snprintf(command, sizeof(command), "diff -d -U3 --label a --label b %s %s", old,
		        new);
		FILE *pipe = popen(command, "r");
		read_file(pipe, &other);
		pclose(pipe);
		size_t theirs = other.len ? changed_lines(buf_slice(&other)) - 2 : 0;
		assert_int_equal(changed_lines(buf_slice(&out)), theirs);
		if (out.len == 0)
			continue;
		snprintf(command, sizeof(command), "patch --binary -s -F0 %s - >/dev/null", old);
		pipe = popen(command, "w");
		fwrite(out.data, 1, out.len, pipe);
		assert_int_equal(pclose(pipe), 0);
		FILE *file = fopen(old, "rb");
		if (!file) /* patch(1) removes what becomes empty */
			continue;
		read_file(file, &other);
		fclose(file);
		assert_true(slice_equal(buf_slice(&other), buf_slice(&after)));
	}
	unlink(old);
	unlink(new);
	buf_fini(&before);
	buf_fini(&after);
	buf_fini(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_hunks_look_as_those_of_diff_u, begin, end),
	        cmocka_unit_test_setup_teardown(
	                test_changes_six_lines_apart_share_a_hunk_and_seven_do_not, begin, end),
	        cmocka_unit_test_setup_teardown(test_a_missing_last_newline_is_told, begin, end),
	        cmocka_unit_test_setup_teardown(test_carriage_returns_are_kept, begin, end),
	        cmocka_unit_test_setup_teardown(
	                test_line_numbers_count_what_both_begin_with, begin, end),
	        cmocka_unit_test_setup_teardown(test_a_diff_above_the_limit_is_none, begin, end),
	        cmocka_unit_test_setup_teardown(test_too_many_lines_are_too_large, begin, end),
	        cmocka_unit_test_setup_teardown(
	                test_scratch_memory_that_is_full_is_too_large, begin, end),
	        cmocka_unit_test_setup_teardown(test_what_is_text, begin, end),
	        cmocka_unit_test_setup_teardown(
	                test_every_diff_leads_from_one_text_to_the_other, begin, end),
	        cmocka_unit_test_setup_teardown(
	                test_texts_without_a_common_line_are_replaced, begin, end),
	        cmocka_unit_test_setup_teardown(
	                test_patch_takes_it_and_diff_finds_none_shorter, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
