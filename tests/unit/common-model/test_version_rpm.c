#include "tests/unit/common-model/version_tables.h"

static void test_rpms_own_table_agrees(void **state)
{
	(void)state;
	tables_check_order(VERSION_RPM, "rpm-vercmp", 91);
}

static void test_versions_of_almalinux_agree(void **state)
{
	(void)state;
	tables_check_order(VERSION_RPM, "rpm-evr-almalinux", 8413);
}

/* Without the shared data this is what holds the rules of rpmvercmp. */
static void test_the_rules_of_rpm_hold(void **state)
{
	(void)state;
	static const char *const ASCENDING[] = {"1.0~rc1", "1.0~rc2-1", "1.0", "1.0-", "1.0-1",
	        "1.0-1.el9", "1.0-1.el9_3", "1.0-1.1", "1.0-2", "1.0^20240101-1", "1.0a-1",
	        "1.0.1-1", "1.9-1", "1.10-1", "5.14.0-70.el9", "5.14.0-362.el9",
	        "5.14.0-362.8.1.el9_3", "99999999999999999999999-1", "1:0.1-1"};
	tables_check_ascending(VERSION_RPM, ASCENDING, TABLES_COUNT(ASCENDING));
	static const char *const EQUAL[] = {
	        "1.0-1", "1_0-1", "0:1.0-1", "01.0-01", "1.0.-1", ":1.0-1"};
	tables_check_equal(VERSION_RPM, EQUAL, TABLES_COUNT(EQUAL));
}

static void test_validity_is_what_packages_may_have(void **state)
{
	(void)state;
	static const char *const VALID[] = {"1", "1.0-1.el9", "0:1.0~rc1^git+x_1-1", "a"};
	static const char *const INVALID[] = {"", "-1", "1-", ":1", "1.0-1-1", "1 0", "x:1", "1:"};
	for (size_t i = 0; i < TABLES_COUNT(VALID); i++)
		if (!version_is_valid(VERSION_RPM, slice_text(VALID[i])))
			fail_msg("'%s'", VALID[i]);
	for (size_t i = 0; i < TABLES_COUNT(INVALID); i++)
		if (version_is_valid(VERSION_RPM, slice_text(INVALID[i])))
			fail_msg("'%s'", INVALID[i]);
}

static void test_any_bytes_have_one_total_order(void **state)
{
	(void)state;
	static const char *const WORDS[] = {
	        "0", "1", "10", ".", "-", "~", "^", "a", "rc", ":", " ", "_"};
	tables_check_total_order(VERSION_RPM, WORDS, TABLES_COUNT(WORDS));
}

static void test_rpm_has_this_scheme(void **state)
{
	(void)state;
	enum version_scheme scheme;
	assert_true(version_scheme_parse(slice_text("rpm"), &scheme));
	assert_int_equal(scheme, VERSION_RPM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rpms_own_table_agrees),
	        cmocka_unit_test(test_versions_of_almalinux_agree),
	        cmocka_unit_test(test_the_rules_of_rpm_hold),
	        cmocka_unit_test(test_validity_is_what_packages_may_have),
	        cmocka_unit_test(test_any_bytes_have_one_total_order),
	        cmocka_unit_test(test_rpm_has_this_scheme),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
