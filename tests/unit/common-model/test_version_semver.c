#include "tests/unit/common-model/version_tables.h"

static void test_published_tables_agree(void **state)
{
	(void)state;
	tables_check_order(VERSION_SEMVER, "scalibr-semver", 86);
	tables_check_order(VERSION_SEMVER, "node-semver", 22);
	tables_check_order(VERSION_SEMVER, "node-semver-loose", 46);
	tables_check_order(VERSION_SEMVER, "go-semver", 576);
}

static void test_validity_is_that_of_go(void **state)
{
	(void)state;
	tables_check_validity(VERSION_SEMVER, "go-semver-validity", 32);
}

static void test_only_semantic_versions_are_valid(void **state)
{
	(void)state;
	static const char *const VALID[] = {"0.0.0", "1.2.3-0", "1.2.3-a-b.0a.-", "1.2.3+001.x",
	        "v0.0.0-20200101000000-0123456789ab", "99999999999999999999.0.0"};
	static const char *const INVALID[] = {"", "v", "1.2.3.4", "01.2.3", "1.02.3", "1.2.3-",
	        "1.2.3+", "1.2.3-01", "1.2.3-a..b", "1.2.3-a_b", "1.2.", "1.2.3-a+b+c", " 1.2.3",
	        "=1.2.3", "vv1.2.3"};
	for (size_t i = 0; i < TABLES_COUNT(VALID); i++)
		if (!version_is_valid(VERSION_SEMVER, slice_text(VALID[i])))
			fail_msg("'%s'", VALID[i]);
	for (size_t i = 0; i < TABLES_COUNT(INVALID); i++)
		if (version_is_valid(VERSION_SEMVER, slice_text(INVALID[i])))
			fail_msg("'%s'", INVALID[i]);
}

/* Without the shared data this is what holds the rules of semver.org. */
static void test_the_rules_of_semantic_versions_hold(void **state)
{
	(void)state;
	static const char *const ASCENDING[] = {"0.0.0-0", "(devel)",
	        "v0.0.0-20191109021931-daa7c04131f5", "v0.0.0-20200101000000-0123456789ab", "0.0.0",
	        "1.0.0-0", "1.0.0-2", "1.0.0-10", "1.0.0-Alpha", "1.0.0-alpha", "1.0.0-alpha.1",
	        "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1",
	        "1.0.1.1", "1.2.0", "1.10.0", "99999999999999999999.0.0"};
	tables_check_ascending(VERSION_SEMVER, ASCENDING, TABLES_COUNT(ASCENDING));
	static const char *const EQUAL[] = {"1.0.0", "v1.0.0", "1.0.0+build", "v1.0.0+incompatible",
	        "1", "v1.0", " =v1.0.0 ", "go1"};
	tables_check_equal(VERSION_SEMVER, EQUAL, TABLES_COUNT(EQUAL));
}

static void test_toolchains_of_go_stand_where_their_releases_do(void **state)
{
	(void)state;
	static const char *const ASCENDING[] = {"go1.21.13", "go1.22beta1", "go1.22rc2",
	        "go1.22rc10", "go1.22", "go1.22.3", "1.22.4"};
	tables_check_ascending(VERSION_SEMVER, ASCENDING, TABLES_COUNT(ASCENDING));
	static const char *const EQUAL[] = {"go1.22rc1", "1.22.0-rc.1"};
	tables_check_equal(VERSION_SEMVER, EQUAL, TABLES_COUNT(EQUAL));
}

static void test_any_bytes_have_one_total_order(void **state)
{
	(void)state;
	static const char *const WORDS[] = {
	        "0", "1", "10", ".", "-", "+", "a", "rc1", "v", "go", " ", "1.0", "1.0.0-"};
	tables_check_total_order(VERSION_SEMVER, WORDS, TABLES_COUNT(WORDS));
}

static void test_npm_cargo_and_golang_have_this_scheme(void **state)
{
	(void)state;
	static const char *const NAMES[] = {"semver", "npm", "cargo", "golang"};
	for (size_t i = 0; i < TABLES_COUNT(NAMES); i++) {
		enum version_scheme scheme;
		assert_true(version_scheme_parse(slice_text(NAMES[i]), &scheme));
		assert_int_equal(scheme, VERSION_SEMVER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_published_tables_agree),
	        cmocka_unit_test(test_validity_is_that_of_go),
	        cmocka_unit_test(test_only_semantic_versions_are_valid),
	        cmocka_unit_test(test_the_rules_of_semantic_versions_hold),
	        cmocka_unit_test(test_toolchains_of_go_stand_where_their_releases_do),
	        cmocka_unit_test(test_any_bytes_have_one_total_order),
	        cmocka_unit_test(test_npm_cargo_and_golang_have_this_scheme),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
