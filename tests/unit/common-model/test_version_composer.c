#include "tests/unit/common-model/version_tables.h"

static void test_published_tables_agree(void **state)
{
	(void)state;
	tables_check_order(VERSION_COMPOSER, "composer-comparator", 8);
	tables_check_order(VERSION_COMPOSER, "scalibr-packagist", 83);
}

static void test_versions_of_packagist_agree(void **state)
{
	(void)state;
	tables_check_order(VERSION_COMPOSER, "scalibr-packagist-generated", 10602);
}

static void test_validity_is_that_of_composer(void **state)
{
	(void)state;
	tables_check_validity(VERSION_COMPOSER, "composer-invalid", 20);
}

/* Columns: ecosystem, as written, as composer normalises it. */
static void test_what_composer_normalises_is_the_same_version(void **state)
{
	(void)state;
	struct buf table = BUF_INIT;
	struct slice rest, line;
	size_t rows = 0;
	if (!tables_read("composer-normalize", &table, &rest))
		skip();
	while (text_take_line(&rest, &line)) {
		tables_take_column(&line);
		struct slice written = tables_take_column(&line);
		struct slice normal = tables_take_column(&line);
		if (!version_is_valid(VERSION_COMPOSER, written))
			fail_msg("'%.*s'", SLICE_ARG(written));
		/* The one that normalising changes once more: three numbers of a date become four
		 * of a version. */
		bool is_fixed = !slice_is(normal, "2010.01.02");
		if (is_fixed && tables_compare(VERSION_COMPOSER, written, normal) != 0)
			fail_msg("'%.*s' = '%.*s'", SLICE_ARG(written), SLICE_ARG(normal));
		rows++;
	}
	assert_int_equal(rows, 72);
	buf_fini(&table);
}

/* Without the shared data this is what holds the rules of composer/semver. */
static void test_the_rules_of_composer_hold(void **state)
{
	(void)state;
	static const char *const ASCENDING[] = {"", "1.0.0-meh", "1.0.0.0.0", "dev-a", "dev-main",
	        "0.9", "1.0-dev", "1.0-alpha", "1.0a1-dev", "1.0a1", "1.0a1.1", "1.0-beta",
	        "1.0-beta0", "1.0b2", "1.0RC1", "1.0-rc10", "1.0", "1.0pl1", "1.0.0.1-dev",
	        "1.0.0.1", "1.2", "1.10", "1.x-dev", "2.0-dev", "v2.0.0", "2010.01", "2012.06.07",
	        "99999", "20100102", "20100102-203040-p1"};
	tables_check_ascending(VERSION_COMPOSER, ASCENDING, TABLES_COUNT(ASCENDING));
	for (size_t i = 0; i < TABLES_COUNT(ASCENDING); i++)
		assert_int_equal(
		        version_is_valid(VERSION_COMPOSER, slice_text(ASCENDING[i])), i > 2);
}

static void test_different_spellings_are_equal(void **state)
{
	(void)state;
	static const char *const RELEASE[] = {"1.0.0.0", "v1", "V1.0", "1.0.0-stable", "1.0+x",
	        "1.0@beta", "1.0 as 2.0", "\t1.0.0 "};
	static const char *const BETA[] = {
	        "1.0.0-beta2.1", "1b2.1", "1.0.b.2.1", "1.0_BETA-2-1", "1.0-beta.2.1+x"};
	static const char *const BRANCH[] = {
	        "dev-master", "master", "DEV-master", "dev-master@dev"};
	static const char *const DATE[] = {"2010-01-02", "2010:01.02", "v2010-01-02-"};
	tables_check_equal(VERSION_COMPOSER, RELEASE, TABLES_COUNT(RELEASE));
	tables_check_equal(VERSION_COMPOSER, BETA, TABLES_COUNT(BETA));
	tables_check_equal(VERSION_COMPOSER, BRANCH, TABLES_COUNT(BRANCH));
	tables_check_equal(VERSION_COMPOSER, DATE, TABLES_COUNT(DATE));
}

static void test_any_bytes_have_one_total_order(void **state)
{
	(void)state;
	static const char *const WORDS[] = {"0", "1", "10", ".", "-", "+", "a", "rc", "dev", "dev-",
	        "pl", "x", "v", "2010", "01", " as ", "1.0", "999999"};
	tables_check_total_order(VERSION_COMPOSER, WORDS, TABLES_COUNT(WORDS));
}

static void test_composer_has_this_scheme(void **state)
{
	(void)state;
	enum version_scheme scheme;
	assert_true(version_scheme_parse(slice_text("composer"), &scheme));
	assert_int_equal(scheme, VERSION_COMPOSER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_published_tables_agree),
	        cmocka_unit_test(test_versions_of_packagist_agree),
	        cmocka_unit_test(test_validity_is_that_of_composer),
	        cmocka_unit_test(test_what_composer_normalises_is_the_same_version),
	        cmocka_unit_test(test_the_rules_of_composer_hold),
	        cmocka_unit_test(test_different_spellings_are_equal),
	        cmocka_unit_test(test_any_bytes_have_one_total_order),
	        cmocka_unit_test(test_composer_has_this_scheme),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
