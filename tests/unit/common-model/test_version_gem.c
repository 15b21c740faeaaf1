#include "tests/unit/common-model/version_tables.h"

static void test_published_tables_agree(void **state)
{
	(void)state;
	tables_check_order(VERSION_GEM, "rubygems-version", 23);
	tables_check_order(VERSION_GEM, "scalibr-rubygems", 23);
}

static void test_versions_of_rubygems_org_agree(void **state)
{
	(void)state;
	tables_check_order(VERSION_GEM, "scalibr-rubygems-generated", 4098);
}

/* Without the shared data this is what holds the rules of Gem::Version. */
static void test_the_rules_of_rubygems_hold(void **state)
{
	(void)state;
	static const char *const ASCENDING[] = {"0.a", "0.b", "0", "0.0.1.a", "0.0.1", "1.0.0.A",
	        "1.0.a.2", "1.0.a10", "1.0-1", "1.0.rc1", "1", "1.0.1", "1.9.3", "1.9.3.1", "1.10",
	        "99999999999999999999999"};
	tables_check_ascending(VERSION_GEM, ASCENDING, TABLES_COUNT(ASCENDING));
	static const char *const ZERO[] = {"", "0", " 0.0 ", "00"};
	tables_check_equal(VERSION_GEM, ZERO, TABLES_COUNT(ZERO));
	static const char *const PRE[] = {"1.0.0.a.1", "1.a1", "1.0.a.01.0", "1.0.0a1"};
	tables_check_equal(VERSION_GEM, PRE, TABLES_COUNT(PRE));
	static const char *const DASH[] = {"1-x.2", "1.pre.x.2", "1.0-x2", "1.0.0.pre.x2"};
	tables_check_equal(VERSION_GEM, DASH, TABLES_COUNT(DASH));
}

static void test_validity_is_that_of_rubygems(void **state)
{
	(void)state;
	static const char *const VALID[] = {
	        "", " 1.0 ", "1", "1.0.a", "1.a.b10", "1.0-java", "1-a-b.c"};
	static const char *const INVALID[] = {
	        "a", "1.", ".1", "1..0", "1.0_1", "1a", "1.0-", "1-a.", "1 0"};
	for (size_t i = 0; i < TABLES_COUNT(VALID); i++)
		if (!version_is_valid(VERSION_GEM, slice_text(VALID[i])))
			fail_msg("'%s'", VALID[i]);
	for (size_t i = 0; i < TABLES_COUNT(INVALID); i++)
		if (version_is_valid(VERSION_GEM, slice_text(INVALID[i])))
			fail_msg("'%s'", INVALID[i]);
}

static void test_any_bytes_have_one_total_order(void **state)
{
	(void)state;
	static const char *const WORDS[] = {
	        "0", "1", "10", ".", "-", "+", "a", "rc", "pre", ".0", " ", "1.0"};
	tables_check_total_order(VERSION_GEM, WORDS, TABLES_COUNT(WORDS));
}

static void test_gem_has_this_scheme(void **state)
{
	(void)state;
	enum version_scheme scheme;
	assert_true(version_scheme_parse(slice_text("gem"), &scheme));
	assert_int_equal(scheme, VERSION_GEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_published_tables_agree),
	        cmocka_unit_test(test_versions_of_rubygems_org_agree),
	        cmocka_unit_test(test_the_rules_of_rubygems_hold),
	        cmocka_unit_test(test_validity_is_that_of_rubygems),
	        cmocka_unit_test(test_any_bytes_have_one_total_order),
	        cmocka_unit_test(test_gem_has_this_scheme),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
