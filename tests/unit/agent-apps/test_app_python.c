#include <stdio.h>

#include "tests/unit/agent-apps/reading.h"

#define METADATA "/usr/lib/python3/dist-packages/x-1.dist-info/METADATA"
#define HEAD(name, version) \
	"Metadata-Version: 2.1\nName: " name "\nVersion: " version "\nSummary: a thing\n"

static void test_each_place_of_metadata_is_known(void **state)
{
	(void)state;
	assert_true(reading_is_read_by("/a/six-1.16.0.dist-info/METADATA", "python"));
	assert_true(reading_is_read_by("/a/six-1.16.0.egg-info", "python"));
	assert_true(reading_is_read_by("/a/six.egg-info/PKG-INFO", "python"));
	assert_true(reading_is_read_by("/a/six-1.16.0-py3.11.egg/EGG-INFO/PKG-INFO", "python"));
	assert_true(reading_is_read_by("/a/six/PKG-INFO", NULL));
	assert_true(reading_is_read_by("/a/six.dist-info/RECORD", NULL));
	assert_true(reading_is_read_by("/METADATA", NULL));
	assert_true(reading_is_read_by("METADATA", NULL));
	assert_null(app_reader_of(slice_text("/a/six.egg-info"), S_IFDIR | 0755));
	assert_null(app_reader_of(slice_text("/a/six.egg-info"), S_IFLNK | 0777));
}

static void test_name_and_version_are_taken(void **state)
{
	reading_gives(*state, METADATA, HEAD("six", "1.16.0"), "pypi", "six", "1.16.0");
	reading_gives(*state, "/a/b.egg-info", "Name: b\r\nVersion: 2\r\n\r\nx", "pypi", "b", "2");
	reading_gives(*state, "/a/b.egg-info", "VERSION:3\nname:\tb ", "pypi", "b", "3");
}

static void test_names_are_normalised(void **state)
{
	static const char *const PAIRS[][2] = {
	        {"Django_package", "django-package"},
	        {"zope.interface", "zope-interface"},
	        {"a.-_b", "a-b"},
	        {"X", "x"},
	        {"lazr.restfulclient", "lazr-restfulclient"},
	        {"PyJWT", "pyjwt"},
	};
	for (size_t i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++) {
		char text[128];
		snprintf(text, sizeof(text), "Name: %s\nVersion: 1\n", PAIRS[i][0]);
		reading_gives(*state, METADATA, text, "pypi", PAIRS[i][1], "1");
	}
}

static void test_only_the_header_counts(void **state)
{
	reading_gives(*state, METADATA,
	        HEAD("a", "1") "Description: x\n Version: 7\n\tName: z\n\nName: b\nVersion: 2\n",
	        "pypi", "a", "1");
	reading_gives(
	        *state, METADATA, "Name: a\nVersion: 1\nName: b\nVersion: 2\n", "pypi", "a", "1");
	reading_refuses(*state, METADATA, slice_text("Name: a\n\nVersion: 2\n"), ERR_FORMAT);
	reading_refuses(
	        *state, METADATA, slice_text("Name: a\nno field\nVersion: 2\n"), ERR_FORMAT);
}

static void test_a_long_description_is_not_read(void **state)
{
	struct buf text = BUF_INIT;
	buf_append_text(&text, HEAD("a", "1") "\n");
	memset(buf_reserve(&text, 9u << 20), 'x', 9u << 20);
	text.len += 9u << 20;
	assert_int_equal(reading_bytes(*state, METADATA, buf_slice(&text)), 0);
	reading_expect(*state, 0, "pypi", "a", "", "1");
	buf_fini(&text);
}

/* What the bound cuts is not taken for a whole line. */
static void test_a_version_across_the_bound_is_not_taken(void **state)
{
	struct buf text = BUF_INIT;
	buf_append_text(&text, "Name: a\nSummary: ");
	while (text.len < 65536 - 12)
		buf_append_byte(&text, 'x');
	buf_append_byte(&text, '\n');
	buf_append_text(&text, "Version: 12.34\n");
	reading_refuses(*state, METADATA, buf_slice(&text), ERR_FORMAT);
	buf_fini(&text);
}

static void test_what_is_no_metadata_is_refused(void **state)
{
	static const char *const BROKEN[] = {"Name: a\n", "Version: 1\n", "Name: \nVersion: 1\n",
	        "Name: a\nVersion:\n", "Name: ../a\nVersion: 1\n", "Name: -a\nVersion: 1\n",
	        "Name: a-\nVersion: 1\n", "Name: a b\nVersion: 1\n", "Name: a\nVersion: 1\x01\n",
	        "Name: \xc3\xa9\nVersion: 1\n"};
	for (size_t i = 0; i < sizeof(BROKEN) / sizeof(BROKEN[0]); i++)
		reading_refuses(*state, METADATA, slice_text(BROKEN[i]), ERR_FORMAT);
	reading_refuses(*state, METADATA, slice_text(""), ERR_MISSING);
	reading_refuses(*state, METADATA,
	        slice_text("\x7f"
	                   "ELF: binary\n"),
	        ERR_MISSING);
	reading_refuses(*state, METADATA, slice_of("Name: a\0b\nVersion: 1\n", 21), ERR_FORMAT);
	reading_refuses(*state, METADATA, slice_of("Name: a\nVersion: 1\0\n", 20), ERR_FORMAT);
}

static void test_a_word_may_not_be_too_long(void **state)
{
	char text[600] = "Version: 1\nName: ";
	size_t begin = strlen(text);
	memset(text + begin, 'a', 256);
	assert_int_equal(reading_text(*state, METADATA, text), 0);
	text[begin + 256] = 'a';
	reading_refuses(*state, METADATA, slice_text(text), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        READING_TEST(test_each_place_of_metadata_is_known),
	        READING_TEST(test_name_and_version_are_taken),
	        READING_TEST(test_names_are_normalised),
	        READING_TEST(test_only_the_header_counts),
	        READING_TEST(test_a_long_description_is_not_read),
	        READING_TEST(test_a_version_across_the_bound_is_not_taken),
	        READING_TEST(test_what_is_no_metadata_is_refused),
	        READING_TEST(test_a_word_may_not_be_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
