#include "tests/unit/common-model/version_tables.h"

static void test_any_bytes_have_one_total_order(void **state)
{
	(void)state;
	static const char *const WORDS[] = {
	        "0", "1", "10", ".", "-", "~", "a", "rc", ":", "_", "..", "1.0"};
	tables_check_total_order(VERSION_PACMAN, WORDS, TABLES_COUNT(WORDS));
}

static void check_validity(const char *const *versions, size_t count, bool is_valid)
{
	for (size_t i = 0; i < count; i++)
		if (version_is_valid(VERSION_PACMAN, slice_text(versions[i])) != is_valid)
			fail_msg("'%s'", versions[i]);
}

static void test_pacman_has_this_scheme(void **state)
{
	(void)state;
	enum version_scheme scheme;
	assert_true(version_scheme_parse(slice_text("pacman"), &scheme));
	assert_int_equal(scheme, VERSION_PACMAN);
}

static bool has_release(struct slice version)
{
	return memchr(version.ptr, '-', version.len) != NULL;
}

static bool have_both_or_none(struct slice a, struct slice b)
{
	return has_release(a) == has_release(b);
}

static void test_published_table_agrees(void **state)
{
	(void)state;
	tables_check_order_where(VERSION_PACMAN, "pacman-vercmp", have_both_or_none, 71);
}

/* Without the shared data this is what holds the rules of vercmp(8). */
static void test_the_rules_of_pacman_hold(void **state)
{
	(void)state;
	static const char *const ASCENDING[] = {"1.0a-1", "1.0alpha-1", "1.0b-1", "1.0beta-1",
	        "1.0p-1", "1.0pre-1", "1.0rc-1", "1.0rc1-1", "1.0", "1.0-1", "1.0-1.1", "1.0-2",
	        "1.0.a-1", "1.0.1-1", "1.0..1-1", "1.9-1", "1.10-1", "1:0.1-1", "2:0-1"};
	tables_check_ascending(VERSION_PACMAN, ASCENDING, TABLES_COUNT(ASCENDING));
	static const char *const EQUAL[] = {"1.0-1", "0:1.0-1", "1.00-1", "01.0-01", "1_0-1"};
	tables_check_equal(VERSION_PACMAN, EQUAL, TABLES_COUNT(EQUAL));
}

static void test_validity_is_that_of_makepkg(void **state)
{
	(void)state;
	static const char *const VALID[] = {"1", "1.0-1", "2:r123.abc_1+2~x-1.1"};
	static const char *const INVALID[] = {
	        "", "-1", ":1", "1-", "1-a", "1-1.", "1-2-3", "1 0-1", "1:2:3-1", "a/b-1"};
	check_validity(VALID, TABLES_COUNT(VALID), true);
	check_validity(INVALID, TABLES_COUNT(INVALID), false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_any_bytes_have_one_total_order),
	        cmocka_unit_test(test_pacman_has_this_scheme),
	        cmocka_unit_test(test_published_table_agrees),
	        cmocka_unit_test(test_the_rules_of_pacman_hold),
	        cmocka_unit_test(test_validity_is_that_of_makepkg),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
