#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fnmatch.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/glob.h"

struct example {
	const char *pattern, *text;
	bool want;
};

static void check(
        bool (*matches)(struct slice, struct slice), const struct example *examples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool got = matches(slice_text(examples[i].pattern), slice_text(examples[i].text));
		if (got != examples[i].want)
			fail_msg("'%s' on '%s' gives %d", examples[i].pattern, examples[i].text,
			        got);
	}
}

static void test_patterns_match_the_whole_text(void **state)
{
	(void)state;
	static const struct example EXAMPLES[] = {
	        {"", "", true},
	        {"", "a", false},
	        {"a", "", false},
	        {"*", "", true},
	        {"*", "a/b", true},
	        {"a*c", "abbc", true},
	        {"a*c", "abbcd", false},
	        {"*.swp", ".x.swp", true},
	        {"a?c", "a/c", true},
	        {"?", "", false},
	        {"*a*b*", "xxaxxb", true},
	        {"*a*b*", "xxbxxa", false},
	        {"**", "abc", true},
	        {"[a-c]x", "bx", true},
	        {"[!a-c]x", "bx", false},
	        {"[^a-c]x", "dx", true},
	        {"[]]", "]", true},
	        {"[!]]", "a", true},
	        {"[a-]", "-", true},
	        {"[\\]]", "]", true},
	        {"[\\a-c]", "b", true},
	        {"[c-a]", "b", false},
	        {"\\*", "*", true},
	        {"\\*", "a", false},
	        {"a\\", "a\\", false},
	        {"a\\", "a", false},
	        {"[a", "[a", false},
	        {"[a", "a", false},
	        {"*[a", "xa", false},
	        {"lib*.so.[0-9]*", "libc.so.6", true},
	};
	check(glob_matches, EXAMPLES, sizeof(EXAMPLES) / sizeof(EXAMPLES[0]));
}

static void test_paths_match_component_by_component(void **state)
{
	(void)state;
	static const struct example EXAMPLES[] = {
	        {"/etc/*", "/etc/passwd", true},
	        {"/etc/*", "/etc/ssh/x", false},
	        {"/etc/*", "/etc", false},
	        {"/etc/?sh", "/etc//sh", false},
	        {"/etc/**/x", "/etc/x", true},
	        {"/etc/**/x", "/etc/a/b/x", true},
	        {"/etc/**/x", "/etc/a/b/y", false},
	        {"**/x", "/a/x", true},
	        {"**/x", "x", true},
	        {"/**", "/a", true},
	        {"**", "/a/b", true},
	        {"/etc/**", "/etc/a/b", true},
	        {"/etc/**", "/etc/a", true},
	        {"/etc/**", "/etc", false},
	        {"/etc/**", "/etcetera/a", false},
	        {"a/**/**/b", "a/b", true},
	        {"a/**/b/**/c", "a/x/b/b/y/c", true},
	        {"a/**/b/**/c", "a/x/y/c", false},
	        {"a**b", "axxb", true},
	        {"a**b", "ax/xb", false},
	        {"/a/[!b]c", "/a//c", false},
	        {"/a/[/]", "/a//", false},
	        {"a/", "a/", true},
	        {"a/", "a", false},
	        {"*/*", "a/b", true},
	        {"*/*", "a", false},
	        {"*", "a/b", false},
	};
	check(glob_matches_path, EXAMPLES, sizeof(EXAMPLES) / sizeof(EXAMPLES[0]));
}

static struct slice random_text(unsigned *seed, const char *alphabet, char *out, size_t max)
{
	size_t len = (size_t)rand_r(seed) % (max + 1);
	for (size_t i = 0; i < len; i++)
		out[i] = alphabet[(size_t)rand_r(seed) % strlen(alphabet)];
	out[len] = '\0';
	return slice_of(out, len);
}

static void test_random_patterns_agree_with_fnmatch(void **state)
{
	(void)state;
	unsigned seed = 1;
	char pattern_text[16], text_text[16];
	for (int i = 0; i < 200000; i++) {
		struct slice pattern = random_text(&seed, "aab*?[]-!\\/", pattern_text, 8);
		struct slice text = random_text(&seed, "aab/]-", text_text, 8);
		if (!glob_is_valid(pattern))
			continue;
		bool want = fnmatch(pattern_text, text_text, 0) == 0;
		/* glibc takes "[a-\]" and "[\--a]" for something else than POSIX says. */
		if (strchr(pattern_text, '\\') && strchr(pattern_text, '['))
			continue;
		if (glob_matches(pattern, text) != want)
			fail_msg("'%s' on '%s': fnmatch says %d", pattern_text, text_text, want);
	}
}

static void test_many_stars_take_no_exponential_time(void **state)
{
	(void)state;
	struct buf pattern = BUF_INIT, text = BUF_INIT;
	for (int i = 0; i < 500; i++) {
		buf_append_text(&pattern, "a*");
		buf_append_text(&text, "aaaaaaaa");
	}
	buf_append_text(&pattern, "b");
	assert_false(glob_matches(buf_slice(&pattern), buf_slice(&text)));
	buf_reset(&pattern);
	buf_reset(&text);
	for (int i = 0; i < 500; i++) {
		buf_append_text(&pattern, "**/a*a*/");
		buf_append_text(&text, "aaa/aaa/");
	}
	buf_append_text(&pattern, "b");
	assert_false(glob_matches_path(buf_slice(&pattern), buf_slice(&text)));
	buf_fini(&pattern);
	buf_fini(&text);
}

static void test_broken_patterns_are_told_from_whole_ones(void **state)
{
	(void)state;
	static const char *const RIGHT[] = {"", "a", "[a]", "[]a]", "[!]a]", "\\[", "a]", "[\\]]"};
	static const char *const WRONG[] = {
	        "[", "[]", "[a", "[!", "[!]", "\\", "a\\", "[\\", "[a-", "[\\]"};
	for (size_t i = 0; i < sizeof(RIGHT) / sizeof(RIGHT[0]); i++)
		assert_true(glob_is_valid(slice_text(RIGHT[i])));
	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++)
		assert_false(glob_is_valid(slice_text(WRONG[i])));
}

static void test_magic_is_seen_unless_escaped(void **state)
{
	(void)state;
	assert_true(glob_has_magic(slice_text("a*")));
	assert_true(glob_has_magic(slice_text("a?")));
	assert_true(glob_has_magic(slice_text("[a]")));
	assert_false(glob_has_magic(slice_text("\\*\\?\\[a]")));
	assert_false(glob_has_magic(slice_text("/etc/a\\")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_patterns_match_the_whole_text),
	        cmocka_unit_test(test_paths_match_component_by_component),
	        cmocka_unit_test(test_random_patterns_agree_with_fnmatch),
	        cmocka_unit_test(test_many_stars_take_no_exponential_time),
	        cmocka_unit_test(test_broken_patterns_are_told_from_whole_ones),
	        cmocka_unit_test(test_magic_is_seen_unless_escaped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
