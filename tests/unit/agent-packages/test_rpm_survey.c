#include "tests/unit/agent-packages/rpm_survey_scene.h"

static void test_first_look_explains_and_accuses_nothing(void **unused)
{
	(void)unused;
	is_lock_unseen = true;
	look();
	assert_true(survey->is_first);
	assert_null(survey->manifest);
	assert_int_equal(survey->unlogged_count, 0);
	assert_true(survey->puts.len > 0);
}

static void test_first_look_accuses_what_is_its_own_evidence(void **unused)
{
	(void)unused;
	database[0].is_forged = true;
	look();
	assert_unlogged("by its digest, of package 'a-1-1.noarch'");
	assert_null(survey->manifest);
}

static void test_second_look_at_the_same_finds_nothing(void **unused)
{
	(void)unused;
	look_and_keep();
	look();
	assert_null(survey->manifest);
	assert_int_equal(survey->unlogged_count, 0);
	assert_int_equal(survey->puts.len, 0);
}

static void test_upgrade_shows_what_is_listed_and_what_was(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	look();
	assert_int_equal(survey->unlogged_count, 0);
	assert_true(find("new")->has_proof);
	assert_true(find("a")->has_proof && !find("a")->is_lost);
	assert_true(find("old")->is_lost);
	assert_null(find("b"));
	assert_true(manifest_is_owned(survey->manifest, slice_text("/usr/bin/b")));
	const struct run *run = manifest_run(survey->manifest);
	const struct run_package *a = run_find(run, slice_text("a.noarch"));
	assert_int_equal(run_count(run, RUN_UNPACKED), 1);
	assert_true(a->acts & RUN_UPGRADED);
	assert_true(slice_is(a->old_version, "1-1") && slice_is(a->version, "2-1"));
	assert_int_equal(survey->id / 1000000000u, 2000);
}

static void test_until_it_is_kept_the_same_run_is_found_again(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	look();
	uint64_t id = survey->id;
	look();
	assert_int_equal(survey->id, id);
	assert_true(find("old")->is_lost);
	keep();
	look();
	assert_null(survey->manifest);
}

static void test_what_another_package_took_over_is_not_lost(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	database[1].transaction = 2000;
	database[1].files = "b old";
	look();
	assert_false(find("old")->is_lost);
	assert_true(slice_is(find("old")->package->name, "b"));
}

static void test_removed_package_is_all_lost(void **unused)
{
	(void)unused;
	look_and_keep();
	package_count = 1;
	look_and_keep();
	assert_true(find("b")->is_lost);
	assert_null(find("a"));
	assert_int_equal(survey->unlogged_count, 0);
	assert_true(slice_is(find("b")->package->version, "7-1"));
	assert_true(survey->id > 0);
	look();
	assert_int_equal(survey->puts.len, 0);
}

static void test_reinstallation_is_told_as_one(void **unused)
{
	(void)unused;
	look_and_keep();
	database[0].transaction = 2000;
	look();
	const struct run *run = manifest_run(survey->manifest);
	const struct run_package *a = run_find(run, slice_text("a.noarch"));
	assert_true(a->acts == RUN_UPGRADED && slice_equal(a->old_version, a->version));
	assert_false(find("old")->is_lost);
}

static void test_second_version_beside_the_first_is_no_upgrade(void **unused)
{
	(void)unused;
	put("a", "0", 900, "a0");
	look_and_keep();
	database[2] = (struct package){
	        .name = "a", .version = "2", .transaction = 2000, .files = "a2"};
	look();
	const struct run *run = manifest_run(survey->manifest);
	assert_int_equal(run_find(run, slice_text("a.noarch"))->acts, RUN_INSTALLED);
	assert_int_equal(run_find(run, slice_text("a-0-1.noarch"))->acts, RUN_REMOVED);
	assert_true(find("a0")->is_lost);
	assert_true(find("a2")->has_proof);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_first_look_explains_and_accuses_nothing),
	        TEST(test_first_look_accuses_what_is_its_own_evidence),
	        TEST(test_second_look_at_the_same_finds_nothing),
	        TEST(test_upgrade_shows_what_is_listed_and_what_was),
	        TEST(test_until_it_is_kept_the_same_run_is_found_again),
	        TEST(test_what_another_package_took_over_is_not_lost),
	        TEST(test_removed_package_is_all_lost),
	        TEST(test_reinstallation_is_told_as_one),
	        TEST(test_second_version_beside_the_first_is_no_upgrade),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
