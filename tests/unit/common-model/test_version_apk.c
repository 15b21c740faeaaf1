#include "tests/unit/common-model/version_tables.h"

static void test_any_bytes_have_one_total_order(void **state)
{
	(void)state;
	static const char *const WORDS[] = {
	        "0", "1", "10", ".", "-r", "_rc", "_p", "a", "~", "_", ".0", "1.0"};
	tables_check_total_order(VERSION_APK, WORDS, TABLES_COUNT(WORDS));
}

static void check_validity(const char *const *versions, size_t count, bool is_valid)
{
	for (size_t i = 0; i < count; i++)
		if (version_is_valid(VERSION_APK, slice_text(versions[i])) != is_valid)
			fail_msg("'%s'", versions[i]);
}

static void test_apk_has_this_scheme(void **state)
{
	(void)state;
	enum version_scheme scheme;
	assert_true(version_scheme_parse(slice_text("apk"), &scheme));
	assert_int_equal(scheme, VERSION_APK);
}

static bool are_versions(struct slice a, struct slice b)
{
	return version_is_valid(VERSION_APK, a) && version_is_valid(VERSION_APK, b);
}

static void test_published_tables_agree(void **state)
{
	(void)state;
	tables_check_order(VERSION_APK, "apk-version-data", 717);
	tables_check_order_where(VERSION_APK, "scalibr-alpine", are_versions, 720);
}

static void test_versions_of_alpine_agree(void **state)
{
	(void)state;
	tables_check_order(VERSION_APK, "scalibr-alpine-generated", 13979);
}

/* Without the shared data this is what holds the rules of apk-package(5). */
static void test_the_rules_of_apk_hold(void **state)
{
	(void)state;
	static const char *const ASCENDING[] = {"1.0_alpha", "1.0_alpha2", "1.0_beta", "1.0_pre",
	        "1.0_rc1", "1.0_rc1_p1", "1.0", "1.0-r0", "1.0-r1", "1.0-r10", "1.0~12ab",
	        "1.0_cvs", "1.0_git20240101", "1.0_p", "1.0_p0", "1.0_p1", "1.0a", "1.0a1-r0",
	        "1.0a1-r1", "1.0a2-r0", "1.0b", "1.0.05", "1.0.1", "1.0.9", "1.0.10", "1.05", "1.1",
	        "1.10", "2", "10"};
	tables_check_ascending(VERSION_APK, ASCENDING, TABLES_COUNT(ASCENDING));
	static const char *const EQUAL[] = {"1.0-r1", "01.0-r1", "1.0-r01"};
	tables_check_equal(VERSION_APK, EQUAL, TABLES_COUNT(EQUAL));
}

static void test_what_is_no_version_comes_before_the_end(void **state)
{
	(void)state;
	static const char *const ASCENDING[] = {"", "1.0_rc", "1.0 x", "1.0", "1.0-r1"};
	tables_check_ascending(VERSION_APK, ASCENDING, TABLES_COUNT(ASCENDING));
	static const char *const EQUAL[] = {"1.0 x", "1.0 y", "1.0_foo", "1.0-x", "1.0."};
	tables_check_equal(VERSION_APK, EQUAL, TABLES_COUNT(EQUAL));
}

static void test_validity_is_that_of_apk(void **state)
{
	(void)state;
	static const char *const VALID[] = {
	        "1", "1.2.3b_rc1_p2~1234abcd-r4", "0.1_git20240101_pre1"};
	static const char *const INVALID[] = {"", "a", ".1", "1.", "1.0bc", "1.0a1", "1.0_",
	        "1.0_x", "1.0~", "1.0~xyz", "1.0-r", "1.0-1", "1.0-r1.1", "1.0-r1_p1", "1.0 "};
	check_validity(VALID, TABLES_COUNT(VALID), true);
	check_validity(INVALID, TABLES_COUNT(INVALID), false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_any_bytes_have_one_total_order),
	        cmocka_unit_test(test_apk_has_this_scheme),
	        cmocka_unit_test(test_published_tables_agree),
	        cmocka_unit_test(test_versions_of_alpine_agree),
	        cmocka_unit_test(test_the_rules_of_apk_hold),
	        cmocka_unit_test(test_what_is_no_version_comes_before_the_end),
	        cmocka_unit_test(test_validity_is_that_of_apk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
