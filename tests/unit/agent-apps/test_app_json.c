/* The readers of JSON: node and composer. */
#include "tests/unit/agent-apps/reading.h"

#define NODE     "/srv/app/node_modules/left-pad/package.json"
#define COMPOSER "/srv/app/vendor/composer/installed.json"

static void test_node_packages_are_directly_below_node_modules(void **state)
{
	(void)state;
	assert_true(reading_is_read_by("/a/node_modules/b/package.json", "node"));
	assert_true(reading_is_read_by("/a/node_modules/@s/b/package.json", "node"));
	assert_true(reading_is_read_by("/a/node_modules/b/node_modules/c/package.json", "node"));
	assert_true(reading_is_read_by(
	        "/a/node_modules/.pnpm/b@1.0.0/node_modules/b/package.json", "node"));
	assert_true(reading_is_read_by("node_modules/b/package.json", NULL));
	assert_true(reading_is_read_by("/a/package.json", NULL));
	assert_true(reading_is_read_by("/a/node_modules/package.json", NULL));
	assert_true(reading_is_read_by("/a/node_modules/@s/package.json", NULL));
	assert_true(reading_is_read_by("/a/node_modules/b/test/package.json", NULL));
	assert_true(reading_is_read_by("/a/node_modules/@s/b/test/package.json", NULL));
	assert_true(reading_is_read_by("/a/node_modules/.cache/package.json", NULL));
	assert_true(reading_is_read_by("/a/node_modules/b/package-lock.json", NULL));
	assert_null(app_reader_of(slice_text(NODE), S_IFDIR | 0755));
}

static void test_node_name_and_version_are_taken(void **state)
{
	reading_gives(*state, NODE, "{\"name\":\"left-pad\",\"version\":\"1.3.0\"}", "npm",
	        "left-pad", "1.3.0");
	reading_gives(*state, NODE,
	        "\xef\xbb\xbf{ \"version\": \"1.0.0-rc.1+x\",\n \"name\": \"@angular/core\" }\n",
	        "npm", "@angular/core", "1.0.0-rc.1+x");
	/* Of old, names were in any case, and are another package than in lower case. */
	reading_gives(*state, NODE, "{\"name\":\"Morris.js\",\"version\":\"0.5.0\",\"a\":[1e3]}",
	        "npm", "Morris.js", "0.5.0");
}

static void test_the_last_of_a_key_counts_as_for_node(void **state)
{
	reading_gives(*state, NODE, "{\"name\":\"a\",\"version\":\"1\",\"version\":\"2\"}", "npm",
	        "a", "2");
}

static void test_a_name_of_a_person_in_latin_1_does_no_harm(void **state)
{
	reading_gives(*state, NODE, "{\"author\":\"Jos\xe9\",\"name\":\"a\",\"version\":\"1.0.0\"}",
	        "npm", "a", "1.0.0");
}

static void test_fixtures_without_name_or_version_are_no_packages(void **state)
{
	static const char *const NONE[] = {"{}", "[]", "{\"name\":\"a\"}", "{\"version\":\"1\"}",
	        "{\"name\":\"a\",\"version\":1}", "{\"name\":[\"a\"],\"version\":\"1\"}",
	        "{\"name\":\"\",\"version\":\"1\"}", "{\"name\":null,\"version\":null}"};
	for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++)
		reading_refuses(*state, NODE, slice_text(NONE[i]), ERR_MISSING);
}

static void test_control_characters_are_refused(void **state)
{
	reading_refuses(
	        *state, NODE, slice_text("{\"name\":\"a\\u0000b\",\"version\":\"1\"}"), ERR_FORMAT);
	reading_refuses(
	        *state, NODE, slice_text("{\"name\":\"a\",\"version\":\"1\\n\"}"), ERR_FORMAT);
	/* Elsewhere they are nobody's business. */
	reading_gives(*state, NODE, "{\"name\":\"a\",\"version\":\"1\",\"x\":\"\\u0000\"}", "npm",
	        "a", "1");
}

static void test_what_is_no_json_is_refused(void **state)
{
	static const char *const BROKEN[] = {"", " ", "{", "{\"name\":\"a\",\"version\":\"1\"",
	        "{\"name\":\"a\",\"version\":\"1\"} x", "{'name':'a'}",
	        "\x7f"
	        "ELF",
	        "null", "\xef\xbb\xbf", "{\"name\":\"\\ud800\",\"version\":\"1\"}"};
	for (size_t i = 0; i < sizeof(BROKEN) / sizeof(BROKEN[0]); i++)
		reading_refuses(*state, NODE, slice_text(BROKEN[i]), ERR_FORMAT);
	reading_refuses(*state, NODE, slice_of("\0\0\0\0", 4), ERR_FORMAT);
	reading_refuses(*state, COMPOSER, slice_text("[{\"name\":\"a/b\",\"vers"), ERR_FORMAT);
}

static void expect_repeated(
        struct reading *reading, const char *path, const char *piece, size_t times, int code)
{
	struct buf text = BUF_INIT;
	for (size_t i = 0; i < times; i++)
		buf_append_text(&text, piece);
	reading_refuses(reading, path, buf_slice(&text), code);
	buf_fini(&text);
}

static void test_deep_wide_and_large_files_meet_a_bound(void **state)
{
	expect_repeated(*state, NODE, "[", 100000, ERR_LIMIT);
	expect_repeated(*state, NODE, "{\"a\":", 50000, ERR_LIMIT);
	expect_repeated(*state, COMPOSER, "[{},", 100000, ERR_LIMIT);
	expect_repeated(*state, NODE, " ", (1u << 20) + 1, ERR_LIMIT);
	expect_repeated(*state, COMPOSER, " ", (8u << 20) + 1, ERR_LIMIT);
}

/* --- composer --------------------------------------------------------------------------------- */

static void test_composer_matches_whatever_the_vendor_directory_is_called(void **state)
{
	(void)state;
	assert_true(reading_is_read_by(COMPOSER, "composer"));
	assert_true(reading_is_read_by("/srv/nc/3rdparty/composer/installed.json", "composer"));
	assert_true(reading_is_read_by("/srv/app/vendor/installed.json", NULL));
	assert_true(reading_is_read_by("/srv/app/vendor/composer/installed.php", NULL));
}

#define PACKAGES                                                                        \
	"[{\"name\":\"Monolog/Monolog\",\"version\":\"v2.9.1\",\"version_normalized\":" \
	"\"2.9.1.0\",\"require\":{\"php\":\">=7.2\"}},"                                 \
	"{\"name\":\"a/plain\",\"version\":\"1.0\"},{\"name\":\"a/dev\",\"version\":"   \
	"\"dev-main\"},{\"name\":\"a/none\"},{\"version\":\"3\"},7,null,[]]"

static void expect_packages(struct reading *reading)
{
	assert_int_equal(reading->rc, 0);
	assert_int_equal(reading->facts.count, 3);
	reading_expect(reading, 0, "composer", "monolog/monolog", "", "v2.9.1");
	reading_expect(reading, 1, "composer", "a/plain", "", "1.0");
	reading_expect(reading, 2, "composer", "a/dev", "", "dev-main");
	for (size_t i = 0; i < 3; i++)
		assert_true(slice_is(reading->facts.fact[i].field[PACKAGE_INSTANCE], COMPOSER));
}

static void test_both_forms_of_installed_json_are_read(void **state)
{
	reading_text(*state, COMPOSER, PACKAGES);
	expect_packages(*state);
	reading_text(*state, COMPOSER,
	        "{\"packages\":" PACKAGES ",\"dev\":true,\"dev-package-names\":[\"a/dev\"]}");
	expect_packages(*state);
}

static void test_a_project_without_packages_has_none(void **state)
{
	assert_int_equal(reading_text(*state, COMPOSER, "[]"), 0);
	assert_int_equal(reading_text(*state, COMPOSER, "{\"packages\":[]}"), 0);
	assert_int_equal(((struct reading *)*state)->facts.count, 0);
	reading_refuses(*state, COMPOSER, slice_text("{}"), ERR_MISSING);
	reading_refuses(*state, COMPOSER, slice_text("{\"packages\":{}}"), ERR_MISSING);
}

static void test_a_package_that_stands_twice_is_one(void **state)
{
	struct reading *reading = *state;
	assert_int_equal(reading_text(reading, COMPOSER,
	                         "[{\"name\":\"a/b\",\"version\":\"1\"},"
	                         "{\"name\":\"A/B\",\"version\":\"2\"}]"),
	        0);
	assert_int_equal(reading->facts.count, 1);
	reading_expect(reading, 0, "composer", "a/b", "", "1");
}

static void test_nothing_of_a_damaged_file_is_taken(void **state)
{
	reading_refuses(*state, COMPOSER,
	        slice_text("[{\"name\":\"a/b\",\"version\":\"1\"},"
	                   "{\"name\":\"a/c\",\"version\":\"\\u0001\"}]"),
	        ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        READING_TEST(test_node_packages_are_directly_below_node_modules),
	        READING_TEST(test_node_name_and_version_are_taken),
	        READING_TEST(test_the_last_of_a_key_counts_as_for_node),
	        READING_TEST(test_a_name_of_a_person_in_latin_1_does_no_harm),
	        READING_TEST(test_fixtures_without_name_or_version_are_no_packages),
	        READING_TEST(test_control_characters_are_refused),
	        READING_TEST(test_what_is_no_json_is_refused),
	        READING_TEST(test_deep_wide_and_large_files_meet_a_bound),
	        READING_TEST(test_composer_matches_whatever_the_vendor_directory_is_called),
	        READING_TEST(test_both_forms_of_installed_json_are_read),
	        READING_TEST(test_a_project_without_packages_has_none),
	        READING_TEST(test_a_package_that_stands_twice_is_one),
	        READING_TEST(test_nothing_of_a_damaged_file_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
