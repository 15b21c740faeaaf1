#include "tests/unit/agent-inventory/app_walk_scene.h"

static void test_packages_are_found_with_the_paths_of_the_host(void **state)
{
	struct bench *bench = *state;
	write_file(bench, PYTHON("one-1"), METADATA("One", "1"));
	write_file(bench, "/opt/app/node_modules/two/package.json", MODULE("two", "2"));
	write_file(bench, "/home/x/node_modules/three/package.json", MODULE("three", "3"));
	walk_all(bench);
	assert_known(bench, "npm:two=2@/opt/app/node_modules/two/package.json\n"
	                    "pypi:one=1@" PYTHON("one-1") "\n");
	assert_int_equal(bench->tally.markers, 2);
	assert_int_equal(bench->commit.packages, 2);
	assert_int_equal(bench->tally.complaints, 0);
}

static void test_what_stands_is_not_opened_again(void **state)
{
	struct bench *bench = *state;
	write_file(bench, PYTHON("one-1"), METADATA("One", "1"));
	write_file(bench, NODE("two"), MODULE("two", "2"));
	write_file(bench, NODE("none"), "{}");
	walk_all(bench);
	assert_int_equal(bench->tally.opened, 3);
	walk_all(bench);
	assert_int_equal(bench->tally.opened, 0);
	assert_int_equal(bench->tally.markers, 2);
	assert_int_equal(bench->commit.events, 0);
	write_file(bench, NODE("two"), MODULE("two", "3"));
	walk_all(bench);
	assert_int_equal(bench->tally.opened, 1);
	assert_int_equal(bench->commit.events, 1);
	assert_int_equal(bench->commit.packages, 2);
}

static void test_file_of_this_moment_is_read_once_more(void **state)
{
	struct bench *bench = *state;
	write_file(bench, NODE("one"), MODULE("one", "1"));
	bench->is_soon = true;
	walk_all(bench);
	bench->is_soon = false;
	walk_all(bench);
	assert_int_equal(bench->tally.opened, 1);
	walk_all(bench);
	assert_int_equal(bench->tally.opened, 0);
}

static void test_first_walk_is_no_installation(void **state)
{
	struct bench *bench = *state;
	write_file(bench, NODE("one"), MODULE("one", "1"));
	write_file(bench, NODE("two"), MODULE("two", "1"));
	walk_all(bench);
	assert_int_equal(bench->commit.events, 1);
	write_file(bench, PYTHON("three-3"), METADATA("three", "3"));
	write_file(bench, NODE("four"), MODULE("four", "4"));
	walk_all(bench);
	assert_int_equal(bench->commit.events, 2);
}

static void test_what_is_gone_takes_its_facts_along(void **state)
{
	struct bench *bench = *state;
	write_file(bench, NODE("one"), MODULE("one", "1"));
	write_file(bench, NODE("two"), MODULE("two", "2"));
	walk_all(bench);
	remove_path(bench, "/usr/lib/node_modules/one");
	walk_all(bench);
	assert_known(bench, "npm:two=2@" NODE("two") "\n");
	assert_int_equal(bench->commit.events, 1);
	assert_int_equal(bench->commit.packages, 1);
	set_bases(bench, NULL, NULL);
	walk_all(bench);
	assert_known(bench, "");
}

static void test_links_are_not_followed(void **state)
{
	struct bench *bench = *state;
	write_file(bench, NODE("one"), MODULE("one", "1"));
	write_file(bench, "/elsewhere/two/package.json", MODULE("two", "2"));
	assert_int_equal(symlink("..", full(bench, "/usr/lib/node_modules/one/node_modules")), 0);
	assert_int_equal(symlink("/elsewhere/two", full(bench, "/usr/lib/node_modules/two")), 0);
	assert_int_equal(
	        symlink("../../../elsewhere/two", full(bench, "/usr/lib/node_modules/rel")), 0);
	write_file(bench, "/usr/lib/node_modules/file/x", "");
	assert_int_equal(symlink("../one/package.json",
	                         full(bench, "/usr/lib/node_modules/file/package.json")),
	        0);
	walk_all(bench);
	walk_path(bench, NODE("two"));
	walk_path(bench, "/usr/lib/node_modules/one/node_modules/one/package.json");
	assert_known(bench, "npm:one=1@" NODE("one") "\n");
}

static void test_directory_that_is_a_link_is_walked_where_it_leads(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "/data/opt/node_modules/one/package.json", MODULE("one", "1"));
	remove_path(bench, "/opt");
	assert_int_equal(symlink("data/opt", full(bench, "/opt")), 0);
	set_bases(bench, "/opt", "/data/opt");
	assert_int_equal(bench->bases.count, 1);
	walk_all(bench);
	assert_known(bench, "npm:one=1@/data/opt/node_modules/one/package.json\n");
}

static void test_link_out_of_the_root_leads_nowhere(void **state)
{
	struct bench *bench = *state;
	remove_path(bench, "/opt");
	assert_int_equal(symlink("/usr", full(bench, "/opt")), 0);
	set_bases(bench, "/opt", NULL);
	assert_int_equal(bench->bases.count, 0);
}

static void test_directory_below_another_is_walked_once(void **state)
{
	struct bench *bench = *state;
	write_file(bench, NODE("one"), MODULE("one", "1"));
	set_bases(bench, "/usr", "/usr/lib");
	walk_all(bench);
	assert_int_equal(bench->tally.looked_at, 1);
	assert_known(bench, "npm:one=1@" NODE("one") "\n");
}

static void test_places_without_packages_are_passed_over(void **state)
{
	struct bench *bench = *state;
	const char *const paths[] = {"/usr/share/doc/a/node_modules/b/package.json",
	        "/usr/src/x/.git/node_modules/b/package.json",
	        "/usr/include/node_modules/b/package.json"};
	for (size_t i = 0; i < 3; i++)
		write_file(bench, paths[i], MODULE("b", "1"));
	walk_all(bench);
	for (size_t i = 0; i < 3; i++)
		walk_path(bench, paths[i]);
	walk_path(bench, "/usr/share/doc/a");
	assert_known(bench, "");
	/* Whoever names one wants it. */
	set_bases(bench, "/usr", "/usr/share/doc");
	walk_all(bench);
	assert_known(bench, "npm:b=1@/usr/share/doc/a/node_modules/b/package.json\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_packages_are_found_with_the_paths_of_the_host),
	        TEST(test_what_stands_is_not_opened_again),
	        TEST(test_file_of_this_moment_is_read_once_more),
	        TEST(test_first_walk_is_no_installation),
	        TEST(test_what_is_gone_takes_its_facts_along),
	        TEST(test_links_are_not_followed),
	        TEST(test_directory_that_is_a_link_is_walked_where_it_leads),
	        TEST(test_link_out_of_the_root_leads_nowhere),
	        TEST(test_directory_below_another_is_walked_once),
	        TEST(test_places_without_packages_are_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
