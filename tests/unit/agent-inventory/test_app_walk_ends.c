#include "tests/unit/agent-inventory/app_walk_scene.h"

static void test_one_path_is_looked_at_alone(void **state)
{
	struct bench *bench = *state;
	write_file(bench, NODE("one"), MODULE("one", "1"));
	walk_all(bench);
	write_file(bench, NODE("two"), MODULE("two", "2"));
	write_file(bench, NODE("three"), MODULE("three", "3"));
	walk_path(bench, NODE("two"));
	assert_int_equal(bench->tally.opened, 1);
	assert_int_equal(bench->tally.looked_at, 1);
	assert_int_equal(bench->commit.packages, 1);
	assert_known(bench, "npm:one=1@" NODE("one") "\nnpm:two=2@" NODE("two") "\n");
	remove_path(bench, NODE("two"));
	walk_path(bench, NODE("two"));
	assert_known(bench, "npm:one=1@" NODE("one") "\n");
	assert_int_equal(bench->commit.packages, -1);
}

static void test_one_directory_is_looked_at_with_all_below(void **state)
{
	struct bench *bench = *state;
	write_file(bench, NODE("a"), MODULE("a", "1"));
	write_file(bench, NODE("a/node_modules/b"), MODULE("b", "1"));
	write_file(bench, NODE("ab"), MODULE("ab", "1"));
	walk_all(bench);
	char to[512];
	strcpy(to, full(bench, "/usr/lib/node_modules/c"));
	assert_int_equal(rename(full(bench, "/usr/lib/node_modules/a"), to), 0);
	const char *const both[] = {"/usr/lib/node_modules/a", "/usr/lib/node_modules/c"};
	assert_int_equal(run(bench, both, 2), 0);
	assert_known(bench,
	        "npm:a=1@" NODE("c") "\n"
	                             "npm:ab=1@" NODE("ab") "\n"
	                                                    "npm:b=1@" NODE(
	                                                            "c/node_modules/b") "\n");
	assert_int_equal(bench->tally.looked_at, 2);
}

static void test_path_elsewhere_is_nothing_to_us(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "/home/node_modules/one/package.json", MODULE("one", "1"));
	walk_all(bench);
	const char *const paths[] = {"/home/node_modules/one/package.json", "/", "/usrx",
	        "/usr/../home/node_modules/one/package.json"};
	assert_int_equal(run(bench, paths, 3), 0);
	assert_known(bench, "");
	walk_path(bench, paths[3]);
	assert_known(bench, "");
}

static void test_damaged_file_keeps_its_facts_and_is_a_complaint(void **state)
{
	struct bench *bench = *state;
	write_file(bench, PYTHON("one-1"), METADATA("one", "1"));
	walk_all(bench);
	write_file(bench, PYTHON("one-1"), "Name: one\nVersion:\n\n");
	walk_all(bench);
	assert_int_equal(bench->tally.complaints, 1);
	assert_non_null(strstr(bench->tally.complaint, "METADATA"));
	assert_known(bench, "pypi:one=1@" PYTHON("one-1") "\n");
	/* Not read again, and not forgotten. */
	walk_all(bench);
	assert_int_equal(bench->tally.opened, 0);
	assert_int_equal(bench->tally.complaints, 1);
	write_file(bench, PYTHON("one-1"), METADATA("one", "2"));
	walk_all(bench);
	assert_int_equal(bench->tally.complaints, 0);
	assert_known(bench, "pypi:one=2@" PYTHON("one-1") "\n");
}

/* As root everything can be read: then only the question itself is tried. */
static void test_blind_spots_keep_what_was_known(void **state)
{
	struct bench *bench = *state;
	struct app_walk walk;
	struct app_walk_options options = {
	        .root = bench->scratch.root, .bases = &bench->bases, .state = bench->state};
	app_walk_init(&walk, &options);
	buf_append_u16(&walk.blind, 6);
	buf_append_text(&walk.blind, "/usr/a");
	assert_true(app_walk_is_blind(&walk, slice_text("/usr/a/b/c")));
	assert_true(app_walk_is_blind(&walk, slice_text("/usr/a")));
	assert_false(app_walk_is_blind(&walk, slice_text("/usr/ab")));
	app_walk_fini(&walk);
	if (geteuid() == 0)
		return;
	write_file(bench, NODE("one"), MODULE("one", "1"));
	walk_all(bench);
	assert_int_equal(chmod(full(bench, "/usr/lib/node_modules"), 0), 0);
	walk_all(bench);
	assert_int_equal(chmod(full(bench, "/usr/lib/node_modules"), 0755), 0);
	assert_int_equal(bench->tally.complaints, 1);
	assert_known(bench, "npm:one=1@" NODE("one") "\n");
}

static void test_caps_are_told_and_forget_nothing_that_stands(void **state)
{
	struct bench *bench = *state;
	char path[128];
	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), NODE("m%d"), i);
		write_file(bench, path, MODULE("m", "1"));
	}
	walk_all(bench);
	assert_false(bench->is_capped);
	assert_int_equal(bench->commit.packages, 6);
	bench->markers_max = 3;
	remove_path(bench, "/usr/lib/node_modules/m0");
	walk_all(bench);
	assert_true(bench->is_capped);
	assert_int_equal(bench->commit.packages, 5);
}

static void test_walk_ends_in_the_depth(void **state)
{
	struct bench *bench = *state;
	char path[1024] = "/usr";
	for (unsigned i = 0; i < APP_DEPTH_MAX - 1; i++)
		strcat(path, "/d");
	assert_true(scratch_write(&bench->scratch, "/usr/d/x", ""));
	size_t len = strlen(path);
	/* scratch_write has room for 512 bytes: enough. */
	strcpy(path + len, "/node_modules/m/package.json");
	write_file(bench, path, MODULE("deep", "1"));
	strcpy(path + len, "/shallow.dist-info/METADATA");
	write_file(bench, path, METADATA("shallow", "1"));
	walk_all(bench);
	walk_path(bench, path);
	assert_int_equal(bench->tally.markers, 1);
	strcpy(path + len, "/node_modules/m/package.json");
	walk_path(bench, path);
	assert_int_equal(bench->tally.markers, 0);
	assert_int_equal(bench->commit.packages, 0);
}

static void test_stopped_walk_writes_nothing(void **state)
{
	struct bench *bench = *state;
	write_file(bench, NODE("one"), MODULE("one", "1"));
	walk_all(bench);
	write_file(bench, NODE("two"), MODULE("two", "2"));
	remove_path(bench, "/usr/lib/node_modules/one");
	atomic_store(&bench->is_stopping, true);
	assert_int_equal(run(bench, NULL, 0), ERR_CLOSED);
	assert_known(bench, "npm:one=1@" NODE("one") "\n");
}

struct stopper {
	struct bench *bench;
	struct budget *budget;
};

static void *stop_soon(void *ctx)
{
	struct stopper *stopper = ctx;
	atomic_store(&stopper->bench->is_stopping, true);
	budget_stop(stopper->budget);
	return NULL;
}

/* Paced to a thousandth of what it would need the walk would take minutes. */
static void test_stop_in_the_middle_ends_a_walk_that_is_held_back(void **state)
{
	struct bench *bench = *state;
	struct budget *budget = budget_new(1, 0);
	struct stopper stopper = {bench, budget};
	pthread_t thread;
	char path[64];
	for (int i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/usr/d%d/x", i);
		write_file(bench, path, "");
	}
	budget_spend(budget, 0, 1);
	struct app_walk walk;
	struct app_walk_options options = {.root = bench->scratch.root,
	        .bases = &bench->bases,
	        .state = bench->state,
	        .budget = budget,
	        .is_stopping = &bench->is_stopping};
	app_walk_init(&walk, &options);
	walk.paid_cpu_ns = 0; /* owes what the whole test has used */
	pthread_create(&thread, NULL, stop_soon, &stopper);
	app_walk_all(&walk);
	pthread_join(thread, NULL);
	app_walk_path(&walk, slice_text("/usr"));
	assert_int_equal(walk.rc, ERR_CLOSED);
	app_walk_fini(&walk);
	budget_free(budget);
}

static void test_system_package_that_owns_the_file_is_named(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "/var/lib/dpkg/status",
	        "Package: node-one\nStatus: install ok installed\nArchitecture: all\n"
	        "Version: 1-1\n\n");
	write_file(
	        bench, "/var/lib/dpkg/info/node-one.list", "/.\n/usr\n/usr/lib\n" NODE("one") "\n");
	write_file(bench, NODE("one"), MODULE("one", "1"));
	write_file(bench, NODE("two"), MODULE("two", "2"));
	walk_all(bench);
	assert_known(bench, "npm:one=1@" NODE("one") "<dpkg:node-one\n"
	                                             "npm:two=2@" NODE("two") "\n");
	/* It stays when the file is looked at alone, and goes with the package. */
	write_file(bench, NODE("one"), MODULE("one", "2"));
	walk_path(bench, NODE("one"));
	assert_known(bench, "npm:one=2@" NODE("one") "<dpkg:node-one\n"
	                                             "npm:two=2@" NODE("two") "\n");
	write_file(bench, "/var/lib/dpkg/info/node-one.list", "/.\n/usr\n");
	walk_all(bench);
	assert_int_equal(bench->tally.opened, 0);
	assert_int_equal(bench->commit.events, 1);
	assert_known(bench, "npm:one=2@" NODE("one") "\nnpm:two=2@" NODE("two") "\n");
}

static void test_restart_reads_nothing_again(void **state)
{
	struct bench *bench = *state;
	struct state_limits limits = {.spool_bytes = 64u << 20, .map_bytes = 256u << 20};
	write_file(bench, NODE("one"), MODULE("one", "1"));
	walk_all(bench);
	state_close(bench->state);
	assert_int_equal(state_open(bench->state_dir, &limits, &bench->state, NULL), 0);
	walk_all(bench);
	assert_int_equal(bench->tally.opened, 0);
	assert_int_equal(bench->commit.events, 0);
	assert_int_equal(bench->commit.packages, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_one_path_is_looked_at_alone),
	        TEST(test_one_directory_is_looked_at_with_all_below),
	        TEST(test_path_elsewhere_is_nothing_to_us),
	        TEST(test_damaged_file_keeps_its_facts_and_is_a_complaint),
	        TEST(test_blind_spots_keep_what_was_known),
	        TEST(test_caps_are_told_and_forget_nothing_that_stands),
	        TEST(test_walk_ends_in_the_depth),
	        TEST(test_stopped_walk_writes_nothing),
	        TEST(test_stop_in_the_middle_ends_a_walk_that_is_held_back),
	        TEST(test_system_package_that_owns_the_file_is_named),
	        TEST(test_restart_reads_nothing_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
