#include "tests/unit/common-model/version_tables.h"

static void test_published_tables_agree(void **state)
{
	(void)state;
	tables_check_order(VERSION_PEP440, "packaging-versions", 8464);
	tables_check_order(VERSION_PEP440, "packaging-normalized", 147);
	tables_check_order(VERSION_PEP440, "scalibr-pypi", 26);
}

static void test_versions_of_pypi_agree(void **state)
{
	(void)state;
	tables_check_order(VERSION_PEP440, "scalibr-pypi-generated", 12306);
}

static void test_validity_is_that_of_packaging(void **state)
{
	(void)state;
	tables_check_validity(VERSION_PEP440, "packaging-invalid", 20);
}

/* Without the shared data this is what holds the rules of PEP 440. */
static void test_the_rules_of_pep_440_hold(void **state)
{
	(void)state;
	static const char *const ASCENDING[] = {"", "1.0-final", "a", "0", "1.dev0", "1.0.dev2",
	        "1.0a1.dev1", "1.0a1", "1.0a2", "1.0a10", "1.0b1", "1.0rc1", "1.0rc1.post1.dev2",
	        "1.0rc1.post1", "1.0", "1.0+a", "1.0+a.b", "1.0+1", "1.0+1.a", "1.0+1.2", "1.0+10",
	        "1.0.post0.dev1", "1.0.post0", "1.0.post1", "1.0.1", "1.2", "1.10",
	        "99999999999999999999999", "1!0"};
	tables_check_ascending(VERSION_PEP440, ASCENDING, TABLES_COUNT(ASCENDING));
	for (size_t i = 0; i < TABLES_COUNT(ASCENDING); i++)
		assert_int_equal(version_is_valid(VERSION_PEP440, slice_text(ASCENDING[i])), i > 2);
}

static void test_different_spellings_are_equal(void **state)
{
	(void)state;
	static const char *const RELEASE[] = {"1", "1.0", "v1.0.0", " 0!01.0\n", "V1"};
	static const char *const ALL[] = {"1.0a1.post2.dev3+x.1", "1.0-ALPHA_1-r2_dev3+X-01",
	        "1.0.a.1.rev.2dev.3+x_1", "v1a1-2-dev3+x.1"};
	static const char *const IMPLICIT[] = {"1rc", "1c0", "1.preview-0", "1_PRE", "1.rc-"};
	tables_check_equal(VERSION_PEP440, RELEASE, TABLES_COUNT(RELEASE));
	tables_check_equal(VERSION_PEP440, ALL, TABLES_COUNT(ALL));
	tables_check_equal(VERSION_PEP440, IMPLICIT, TABLES_COUNT(IMPLICIT));
}

static void test_any_bytes_have_one_total_order(void **state)
{
	(void)state;
	static const char *const WORDS[] = {"0", "1", "10", ".", "-", "_", "+", "a", "b", "rc",
	        "post", "dev", "1!", "v", " ", "x", "1.0"};
	tables_check_total_order(VERSION_PEP440, WORDS, TABLES_COUNT(WORDS));
}

static void test_pypi_has_this_scheme(void **state)
{
	(void)state;
	enum version_scheme scheme;
	assert_true(version_scheme_parse(slice_text("pypi"), &scheme));
	assert_int_equal(scheme, VERSION_PEP440);
	assert_string_equal(version_scheme_name(scheme), "pep440");
	assert_true(version_scheme_parse(slice_text("pep440"), &scheme));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_published_tables_agree),
	        cmocka_unit_test(test_versions_of_pypi_agree),
	        cmocka_unit_test(test_validity_is_that_of_packaging),
	        cmocka_unit_test(test_the_rules_of_pep_440_hold),
	        cmocka_unit_test(test_different_spellings_are_equal),
	        cmocka_unit_test(test_any_bytes_have_one_total_order),
	        cmocka_unit_test(test_pypi_has_this_scheme),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
