#include "agent/inventory/app_commit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include "agent/state/factbook.h"
#include "common/base/clock.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define METADATA(name, version) "Metadata-Version: 2.1\nName: " name "\nVersion: " version "\n\n"
#define PYTHON(name)            "/usr/lib/python3/dist-packages/" name ".dist-info/METADATA"
#define NODE(name)              "/usr/lib/node_modules/" name "/package.json"
#define MODULE(name, version)   "{\"name\": \"" name "\", \"version\": \"" version "\"}"

struct bench {
	struct scratch scratch;
	char state_dir[64];
	struct state *state;
	struct app_bases bases;
	/* of the last run */
	struct app_tally tally;
	struct app_commit commit;
	bool is_capped;
	struct reason why;
	/* of the next */
	size_t markers_max;
	bool is_soon; /* files have just been changed */
	atomic_bool is_stopping;
};

static void set_bases(struct bench *bench, const char *one, const char *two)
{
	const char *const paths[] = {one, two};
	app_bases_fini(&bench->bases);
	app_bases_init(&bench->bases, bench->scratch.root, paths, !one ? 0 : two ? 2 : 1);
}

static int set_up(void **state)
{
	struct state_limits limits = {.spool_bytes = 64u << 20, .map_bytes = 256u << 20};
	struct bench *bench = calloc(1, sizeof(*bench));
	strcpy(bench->state_dir, "/tmp/test-app-walk-XXXXXX");
	if (!scratch_init(&bench->scratch) || !mkdtemp(bench->state_dir) ||
	        state_open(bench->state_dir, &limits, &bench->state, NULL) < 0)
		return -1;
	scratch_write(&bench->scratch, "/usr/lib/os-release", "ID=debian\n");
	scratch_write(&bench->scratch, "/opt/README", "");
	set_bases(bench, "/usr", "/opt");
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	app_bases_fini(&bench->bases);
	state_close(bench->state);
	nftw(bench->state_dir, scratch_remove_one, 32, FTW_DEPTH | FTW_PHYS);
	scratch_fini(&bench->scratch);
	free(bench);
	return 0;
}

/* Everything, or `count` paths. The clock is an hour ahead, so that no file is a fresh one. */
static int run(struct bench *bench, const char *const *path, size_t count)
{
	struct app_walk walk;
	struct slice paths[8];
	struct app_walk_options options = {
	        .root = bench->scratch.root,
	        .bases = &bench->bases,
	        .state = bench->state,
	        .is_stopping = &bench->is_stopping,
	        .markers_max = bench->markers_max,
	        .now_ns = bench->is_soon ? 0 : clock_wall_ns() + 3600 * NS_PER_S,
	};
	app_walk_init(&walk, &options);
	for (size_t i = 0; i < count; i++) {
		paths[i] = slice_text(path[i]);
		app_walk_path(&walk, paths[i]);
	}
	if (count == 0)
		app_walk_all(&walk);
	app_walk_end(&walk);
	bench->commit = (struct app_commit){
	        .path = paths, .path_count = count, .cause = CAUSE_LIVE, .now_ns = 1};
	bench->why = walk.why;
	int rc = walk.rc;
	if (rc == 0)
		rc = app_commit_run(&bench->commit, &walk, &bench->why);
	bench->tally = walk.tally;
	bench->is_capped = walk.is_capped;
	app_walk_fini(&walk);
	return rc;
}

static void walk_all(struct bench *bench)
{
	if (run(bench, NULL, 0) < 0)
		fail_msg("%s", bench->why.text);
}

static void walk_path(struct bench *bench, const char *path)
{
	if (run(bench, &path, 1) < 0)
		fail_msg("%s", bench->why.text);
}

static void write_file(struct bench *bench, const char *path, const char *text)
{
	assert_true(scratch_write(&bench->scratch, path, text));
}

static const char *full(const struct bench *bench, const char *path)
{
	static char full[512];
	snprintf(full, sizeof(full), "%s%s", bench->scratch.root, path);
	return full;
}

static void remove_path(struct bench *bench, const char *path)
{
	assert_int_equal(nftw(full(bench, path), scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int list(void *ctx, const struct fact *fact)
{
	struct buf *out = ctx;
	buf_printf(out, "%.*s:%.*s=%.*s@%.*s", SLICE_ARG(fact->field[PACKAGE_MANAGER]),
	        SLICE_ARG(fact->field[PACKAGE_NAME]), SLICE_ARG(fact->field[PACKAGE_VERSION]),
	        SLICE_ARG(fact->field[PACKAGE_INSTANCE]));
	if (fact->field[PACKAGE_OWNER].len > 0)
		buf_printf(out, "<%.*s", SLICE_ARG(fact->field[PACKAGE_OWNER]));
	buf_append_byte(out, '\n');
	return 0;
}

/* The factbook, a line a package. */
static void assert_known(struct bench *bench, const char *expected)
{
	struct buf known = BUF_INIT;
	struct kv_txn *txn = NULL;
	assert_int_equal(kv_begin_read(state_kv(bench->state), &txn), 0);
	assert_int_equal(factbook_each(txn, FACT_PACKAGE, list, &known), 0);
	kv_abort(txn);
	assert_string_equal(buf_text(&known), expected);
	buf_fini(&known);
}

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
