#include "tests/unit/agent-packages/rpm_survey_scene.h"

static void test_entry_changed_without_an_installation_is_told_once(void **unused)
{
	(void)unused;
	look_and_keep();
	database[0].is_setuid = true;
	look_and_keep();
	assert_unlogged("'a-1-1.noarch', though");
	assert_null(survey->manifest);
	look();
	assert_int_equal(survey->unlogged_count, 0);
}

static void test_entry_of_another_package_changed_in_a_run_is_told(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	database[1].is_setuid = true;
	look();
	assert_unlogged("'b-7-1.noarch'");
	assert_null(find("b"));
}

static void test_entry_with_a_digest_that_does_not_fit_explains_nothing(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	database[0].is_forged = true;
	look_and_keep();
	assert_unlogged("by its digest, of package 'a-2-1.noarch'");
	assert_null(find("a"));
	look();
	assert_int_equal(survey->unlogged_count, 0);
}

static void test_overlaid_entry_explains_nothing(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	database[0].is_overlaid = true;
	look();
	assert_unlogged("other words");
	assert_null(find("a"));
}

static void test_state_of_a_file_may_change(void **unused)
{
	(void)unused;
	look_and_keep();
	database[0].is_replaced = true;
	look();
	assert_int_equal(survey->unlogged_count, 0);
	assert_int_equal(survey->puts.len, 0);
}

static void test_file_in_place_of_which_another_lies_is_not_vouched_for(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	database[0].is_replaced = true;
	look();
	assert_null(find("a"));
	assert_true(find("new")->has_proof);
}

static void test_without_a_lock_there_was_no_run(void **unused)
{
	(void)unused;
	look_and_keep();
	put("c", "1", 2000, "c");
	is_lock_unseen = true;
	look_and_keep();
	assert_unlogged("new entry of package 'c-1-1.noarch', and nobody");
	assert_null(survey->manifest);
	package_count = 2;
	look_and_keep();
	assert_unlogged("no entry any more of package 'c-1-1.noarch', and nobody");
	assert_null(survey->manifest);
}

static void test_entry_that_is_there_twice_counts_once(void **unused)
{
	(void)unused;
	look_and_keep();
	put("a", "1", 3000, "other");
	look();
	assert_null(survey->manifest);
	assert_int_equal(survey->puts.len, 0);
}

static void test_names_that_do_not_fit_a_key_are_passed_over(void **unused)
{
	(void)unused;
	put("../c", "1", 1000, "c");
	put("d", "1 2", 1000, "d");
	look_and_keep();
	package_count = 2;
	look();
	assert_int_equal(survey->puts.len, 0);
}

static void test_records_of_another_form_are_refused(void **unused)
{
	struct rpm_record record = {.install_time = 1, .transaction = 2}, back;
	struct buf bytes = BUF_INIT;
	(void)unused;
	record.paths = slice_text("12345678");
	rpm_record_encode(&record, &bytes);
	assert_true(rpm_record_decode(buf_slice(&bytes), &back));
	assert_int_equal(back.transaction, 2);
	assert_int_equal(back.paths.len, 8);
	assert_false(rpm_record_decode(slice_of(bytes.data, bytes.len - 1), &back));
	bytes.data[0] = 9;
	assert_false(rpm_record_decode(buf_slice(&bytes), &back));
	buf_fini(&bytes);
}

static void test_nobody_holds_a_lock_that_is_not_there(void **unused)
{
	int kept = -1;
	pid_t pid;
	(void)unused;
	assert_int_equal(rpm_holder(dir, &kept, &pid), HOLDER_NONE);
	assert_int_equal(kept, -1);
	assert_true(rpm_is_manager("dnf5") && rpm_is_manager("rpm"));
	assert_false(rpm_is_manager("bash"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_entry_changed_without_an_installation_is_told_once),
	        TEST(test_entry_of_another_package_changed_in_a_run_is_told),
	        TEST(test_entry_with_a_digest_that_does_not_fit_explains_nothing),
	        TEST(test_overlaid_entry_explains_nothing),
	        TEST(test_state_of_a_file_may_change),
	        TEST(test_file_in_place_of_which_another_lies_is_not_vouched_for),
	        TEST(test_without_a_lock_there_was_no_run),
	        TEST(test_entry_that_is_there_twice_counts_once),
	        TEST(test_names_that_do_not_fit_a_key_are_passed_over),
	        TEST(test_records_of_another_form_are_refused),
	        TEST(test_nobody_holds_a_lock_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
