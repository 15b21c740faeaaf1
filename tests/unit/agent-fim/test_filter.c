#include "agent/fim/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define PATTERNS_MAX 6

static struct filter *make(const char *path, bool recursive, const char *const *patterns)
{
	struct watch_entry entry = {.path = path, .recursive = recursive, .exclude = patterns};
	while (entry.exclude_count < PATTERNS_MAX && patterns[entry.exclude_count])
		entry.exclude_count++;
	struct filter *filter = NULL;
	struct reason why;
	assert_int_equal(filter_new(&entry, 1, &filter, &why), 0);
	return filter;
}

/* The entry is /m, recursive. A path that ends with a slash is asked about as a directory. The
 * expectations are git's own (git check-ignore), but for patterns that begin with a slash: those
 * are anchored at the root of the host. */
static const struct {
	const char *pattern[PATTERNS_MAX];
	const char *path;
	bool covered;
} rows[] = {
        {{NULL}, "/m", true},
        {{NULL}, "/m/a", true},
        {{NULL}, "/m/a/b/c", true},
        {{NULL}, "/mm", false},
        {{NULL}, "/mm/a", false},
        {{NULL}, "/m2", false},
        {{NULL}, "/", false},
        {{NULL}, "/m/.hidden", true},
        {{"*.swp"}, "/m/a.swp", false},
        {{"*.swp"}, "/m/d/e/a.swp", false},
        {{"*.swp"}, "/m/a.swp.txt", true},
        {{"*.swp"}, "/m/x.swp/inside", false},
        {{"cache"}, "/m/d/cache/x", false},
        {{"cache"}, "/m/d/cache2/x", true},
        {{"cache/"}, "/m/cache/", false},
        {{"cache/"}, "/m/cache", true},
        {{"cache/"}, "/m/d/cache/x", false},
        {{"d/x"}, "/m/d/x", false},
        {{"d/x"}, "/m/e/d/x", true},
        {{"d/*"}, "/m/d/x", false},
        {{"d/*"}, "/m/d/x/y", false},
        {{"d/*"}, "/m/d/", true},
        {{"**/d/x"}, "/m/e/d/x", false},
        {{"**/d/x"}, "/m/d/x", false},
        {{"a/**/z"}, "/m/a/z", false},
        {{"a/**/z"}, "/m/a/b/c/z", false},
        {{"a/**/z"}, "/m/a/b/c/y", true},
        {{"a/**"}, "/m/a/", true},
        {{"a/**"}, "/m/a/b", false},
        {{"a/**", "!a/keep"}, "/m/a/keep", true},
        {{"/m/mtab"}, "/m/mtab", false},
        {{"/m/mtab"}, "/m/d/m/mtab", true},
        {{"/mtab"}, "/m/mtab", true},
        {{"/m/*/x"}, "/m/d/x", false},
        {{"*.log", "!keep.log"}, "/m/keep.log", true},
        {{"*.log", "!keep.log"}, "/m/other.log", false},
        {{"!keep.log", "*.log"}, "/m/keep.log", false},
        {{"d/", "!d/keep"}, "/m/d/keep", false},
        {{"d/*", "!d/keep"}, "/m/d/keep", true},
        {{"a?b"}, "/m/aXb", false},
        {{"a?b"}, "/m/a_bc", true},
        {{"[ab]x"}, "/m/bx", false},
        {{"[!ab]x"}, "/m/bx", true},
        {{"a_b"}, "/m/aXb", true},
        {{"data"}, "/m/DATA", true},
        {{"\\!odd"}, "/m/!odd", false},
        {{"*"}, "/m", true},
        {{"*"}, "/m/x", false},
};

static void test_patterns_mean_what_gitignore_means(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter *filter = make("/m", true, rows[i].pattern);
		struct slice path = slice_text(rows[i].path);
		bool is_directory = path.len > 1 && path.ptr[path.len - 1] == '/';
		if (is_directory)
			path.len--;
		if (filter_covers(filter, path, is_directory) != rows[i].covered)
			fail_msg("row %zu: pattern '%s' path '%s': expected %s", i,
			        rows[i].pattern[0] ? rows[i].pattern[0] : "", rows[i].path,
			        rows[i].covered ? "covered" : "not covered");
		filter_free(filter);
	}
}

static void test_asking_per_directory_gives_the_same_answers(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter *filter = make("/m", true, rows[i].pattern);
		struct slice path = slice_text(rows[i].path);
		bool is_directory = path.len > 1 && path.ptr[path.len - 1] == '/';
		if (is_directory)
			path.len--;
		if (path.len > 1) {
			struct slice dir = path;
			while (dir.ptr[dir.len - 1] != '/')
				dir.len--;
			if (dir.len > 1)
				dir.len--;
			struct filter_dir in = filter_in(filter, dir);
			assert_int_equal(
			        filter_dir_covers(&in, path, is_directory), rows[i].covered);
		}
		filter_free(filter);
	}
}

static void test_deepest_entry_decides_alone(void **unused)
{
	(void)unused;
	const char *all[] = {"*"}, *tmp[] = {"*.tmp"};
	struct watch_entry entries[] = {
	        {.path = "/m", .recursive = true, .exclude_count = 1, .exclude = tmp},
	        {.path = "/m/a/b", .recursive = true, .exclude_count = 0},
	        {.path = "/m/a", .recursive = true, .exclude_count = 1, .exclude = all},
	};
	struct filter *filter = NULL;
	assert_int_equal(filter_new(entries, 3, &filter, NULL), 0);
	assert_false(filter_covers(filter, slice_text("/m/x.tmp"), false));
	assert_true(filter_covers(filter, slice_text("/m/a"), true));
	assert_false(filter_covers(filter, slice_text("/m/a/x"), false));
	assert_true(filter_covers(filter, slice_text("/m/a/b"), true));
	assert_true(filter_covers(filter, slice_text("/m/a/b/x.tmp"), false));
	assert_int_equal(filter_entry_of(filter, slice_text("/m/a/b/c")), 1);
	assert_int_equal(filter_entry_of(filter, slice_text("/n")), -1);
	assert_int_equal(filter_count(filter), 3);
	struct filter_dir in = filter_in(filter, slice_text("/m/a"));
	assert_true(filter_dir_covers(&in, slice_text("/m/a/b"), true));
	assert_false(filter_dir_covers(&in, slice_text("/m/a/c"), true));
	filter_free(filter);
}

static void test_flat_entry_covers_its_direct_entries_only(void **unused)
{
	(void)unused;
	const char *none[] = {NULL};
	struct filter *filter = make("/m", false, none);
	assert_true(filter_covers(filter, slice_text("/m/a"), false));
	assert_true(filter_covers(filter, slice_text("/m/d"), true));
	assert_false(filter_covers(filter, slice_text("/m/d/a"), false));
	assert_true(filter_descends(filter, slice_text("/m")));
	assert_false(filter_descends(filter, slice_text("/m/d")));
	filter_free(filter);
}

static void test_descends_where_entries_are_covered(void **unused)
{
	(void)unused;
	const char *patterns[] = {"skip/", "deep/**", NULL};
	struct filter *filter = make("/m/n", true, patterns);
	assert_true(filter_descends(filter, slice_text("/m/n")));
	assert_true(filter_descends(filter, slice_text("/m/n/d/e")));
	assert_false(filter_descends(filter, slice_text("/m/n/skip")));
	assert_false(filter_descends(filter, slice_text("/m/n/skip/d")));
	assert_true(filter_descends(filter, slice_text("/m"))); /* the entry itself is in it */
	assert_false(filter_descends(filter, slice_text("/")));
	assert_false(filter_descends(filter, slice_text("/mm")));
	filter_free(filter);
}

static void test_ancestors_lead_to_the_entry(void **unused)
{
	(void)unused;
	const char *none[] = {NULL};
	struct filter *filter = make("/a/b/c", true, none);
	assert_true(filter_leads_to_entry(filter, slice_text("/")));
	assert_true(filter_leads_to_entry(filter, slice_text("/a/b")));
	assert_false(filter_leads_to_entry(filter, slice_text("/a/b/c")));
	assert_false(filter_leads_to_entry(filter, slice_text("/a/bb")));
	filter_free(filter);
}

static void test_root_of_the_host_can_be_an_entry(void **unused)
{
	(void)unused;
	const char *patterns[] = {"/proc", "var/log", NULL};
	struct filter *filter = make("/", true, patterns);
	assert_true(filter_covers(filter, slice_text("/"), true));
	assert_true(filter_covers(filter, slice_text("/etc/passwd"), false));
	assert_false(filter_covers(filter, slice_text("/proc/1"), true));
	assert_false(filter_covers(filter, slice_text("/var/log/x"), false));
	assert_true(filter_descends(filter, slice_text("/")));
	assert_false(filter_leads_to_entry(filter, slice_text("/")));
	filter_free(filter);
}

static enum filter_diff diff_of(const struct filter *filter, const char *path)
{
	return filter_diff_of(filter, slice_text(path), NULL);
}

static void test_diffs_are_for_the_entry_that_asks_and_never_for_secrets(void **unused)
{
	(void)unused;
	static const char *const nodiff[] = {"*.conf", "private/", "!kept.key"};
	struct watch_entry entries[] = {
	        {.path = "/etc",
	                .recursive = true,
	                .diff_bytes = 1024,
	                .nodiff_count = 3,
	                .nodiff = nodiff},
	        {.path = "/etc/ssl", .recursive = true},
	        {.path = "/m", .recursive = true, .diff_bytes = 64},
	        {.path = "/root/my.key", .diff_bytes = 64},
	};
	struct filter *filter;
	uint64_t most = 0;
	assert_int_equal(filter_new(entries, 4, &filter, NULL), 0);
	assert_true(filter_has_diffs(filter));
	assert_int_equal(filter_diff_of(filter, slice_text("/etc/hosts"), &most), FILTER_DIFF_YES);
	assert_int_equal(most, 1024);
	assert_int_equal(diff_of(filter, "/etc/a.conf"), FILTER_DIFF_SECRET);
	assert_int_equal(diff_of(filter, "/etc/a/b.conf"), FILTER_DIFF_SECRET);
	assert_int_equal(diff_of(filter, "/etc/private/deep/file"), FILTER_DIFF_SECRET);
	assert_int_equal(diff_of(filter, "/etc/private"), FILTER_DIFF_YES);
	assert_int_equal(diff_of(filter, "/etc/shadow-"), FILTER_DIFF_SECRET);
	assert_int_equal(diff_of(filter, "/etc/nshadow"), FILTER_DIFF_SECRET);
	assert_int_equal(diff_of(filter, "/etc/other.key"), FILTER_DIFF_SECRET);
	assert_int_equal(diff_of(filter, "/etc/kept.key"), FILTER_DIFF_YES);
	assert_int_equal(diff_of(filter, "/etc/ssl/openssl.cnf"), FILTER_DIFF_NO);
	assert_int_equal(diff_of(filter, "/m/a.conf"), FILTER_DIFF_YES);
	assert_int_equal(diff_of(filter, "/root/my.key"), FILTER_DIFF_SECRET);
	assert_int_equal(diff_of(filter, "/elsewhere"), FILTER_DIFF_NO);
	filter_free(filter);
}

static void digest_diffs(const struct watch_entry *entry, uint8_t out[SHA256_BYTES])
{
	struct filter *filter;
	assert_int_equal(filter_new(entry, 1, &filter, NULL), 0);
	filter_digest_diffs(filter, out);
	filter_free(filter);
}

static void test_another_limit_or_pattern_gives_another_digest(void **unused)
{
	(void)unused;
	static const char *const name[] = {"a"}, *const entry[] = {"b/a"}, *const root[] = {"/a"};
	const char *const *patterns[] = {name, entry, root, NULL};
	struct watch_entry watch = {.path = "/m", .recursive = true, .diff_bytes = 1};
	uint8_t digest[5][SHA256_BYTES], again[SHA256_BYTES];
	for (size_t i = 0; i < 4; i++) {
		watch.nodiff = patterns[i];
		watch.nodiff_count = patterns[i] ? 1 : 0;
		digest_diffs(&watch, digest[i]);
	}
	digest_diffs(&watch, again);
	assert_memory_equal(again, digest[3], SHA256_BYTES);
	watch.diff_bytes = 2;
	digest_diffs(&watch, digest[4]);
	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(digest[i], digest[k], SHA256_BYTES);
}

static void refuses(const struct watch_entry *entries, size_t count, const char *part)
{
	struct filter *filter = NULL;
	struct reason why = {""};
	assert_int_equal(filter_new(entries, count, &filter, &why), ERR_CONFIG);
	assert_null(filter);
	if (!strstr(why.text, part))
		fail_msg("'%s' does not say '%s'", why.text, part);
}

static void test_bad_configuration_is_refused_with_a_sentence(void **unused)
{
	(void)unused;
	const char *bad[] = {"[a"}, *empty[] = {"!"}, *slash[] = {"/"};
	refuses(NULL, 0, "empty");
	refuses((struct watch_entry[]){{.path = "etc"}}, 1, "'etc'");
	refuses((struct watch_entry[]){{.path = "/etc/"}}, 1, "'/etc/'");
	refuses((struct watch_entry[]){{.path = "/etc/../x"}}, 1, "plain");
	refuses((struct watch_entry[]){{.path = "/a"}, {.path = "/b"}, {.path = "/a"}}, 3, "twice");
	refuses((struct watch_entry[]){{.path = "/a", .exclude_count = 1, .exclude = bad}}, 1,
	        "'[a'");
	refuses((struct watch_entry[]){{.path = "/a", .exclude_count = 1, .exclude = empty}}, 1,
	        "'!'");
	refuses((struct watch_entry[]){{.path = "/a", .exclude_count = 1, .exclude = slash}}, 1,
	        "'/'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_patterns_mean_what_gitignore_means),
	        cmocka_unit_test(test_asking_per_directory_gives_the_same_answers),
	        cmocka_unit_test(test_deepest_entry_decides_alone),
	        cmocka_unit_test(test_flat_entry_covers_its_direct_entries_only),
	        cmocka_unit_test(test_descends_where_entries_are_covered),
	        cmocka_unit_test(test_ancestors_lead_to_the_entry),
	        cmocka_unit_test(test_root_of_the_host_can_be_an_entry),
	        cmocka_unit_test(test_diffs_are_for_the_entry_that_asks_and_never_for_secrets),
	        cmocka_unit_test(test_another_limit_or_pattern_gives_another_digest),
	        cmocka_unit_test(test_bad_configuration_is_refused_with_a_sentence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
