#include "agent/inventory/app_rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/inventory/app_place.h"
#include "agent/state/factbook.h"
#include "common/base/budget.h"
#include "common/base/clock.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define PATIENCE_MS 20000
#define NODE(name)  "/opt/node_modules/" name "/package.json"
#define ONE         "{\"name\": \"one\", \"version\": \"1\"}"
#define TWO         "{\"name\": \"two\", \"version\": \"2\"}"

struct bench {
	struct scratch scratch;
	char state_dir[64];
	struct loop *loop;
	struct timer *patience;
	struct state *state;
	struct app_rounds *rounds;
	struct budget *budget;
	unsigned commits;
	uint64_t events;
	bool has_waited;
};

static void on_committed(void *ctx, uint64_t events)
{
	struct bench *bench = ctx;
	bench->commits++;
	bench->events = events;
	loop_stop(bench->loop);
}

static void on_impatience(void *ctx)
{
	struct bench *bench = ctx;
	bench->has_waited = true;
	loop_stop(bench->loop);
}

/* Whether a job was written within this time. */
static bool runs_within(struct bench *bench, uint64_t wait_ms)
{
	unsigned before = bench->commits;
	bench->has_waited = false;
	timer_start(bench->patience, wait_ms, 0);
	loop_run(bench->loop);
	timer_stop(bench->patience);
	return bench->commits == before + 1;
}

static void run_job(struct bench *bench)
{
	assert_true(runs_within(bench, PATIENCE_MS));
}

static void make_rounds(struct bench *bench, size_t path_count)
{
	static const char *const paths[] = {"/opt", "/srv"};
	struct app_rounds_options options = {.root = bench->scratch.root,
	        .path = paths,
	        .path_count = path_count,
	        .interval_ns = 3600 * NS_PER_S,
	        .budget = bench->budget,
	        .quiet_ms = 20,
	        .most_ms = 50};
	bench->rounds = app_rounds_new(bench->loop, bench->state, &options, on_committed, bench);
}

static void write_file(struct bench *bench, const char *path, const char *text)
{
	assert_true(scratch_write(&bench->scratch, path, text));
}

static int count_one(void *ctx, const struct fact *fact)
{
	size_t *count = ctx;
	(void)fact;
	(*count)++;
	return 0;
}

static size_t known(struct bench *bench)
{
	struct kv_txn *txn = NULL;
	size_t count = 0;
	assert_int_equal(kv_begin_read(state_kv(bench->state), &txn), 0);
	assert_int_equal(factbook_each(txn, FACT_PACKAGE, count_one, &count), 0);
	kv_abort(txn);
	return count;
}

static struct app_rounds_status status_of(const struct bench *bench)
{
	struct app_rounds_status status;
	app_rounds_status(bench->rounds, &status);
	return status;
}

static void touch(struct bench *bench, const char *path)
{
	app_rounds_touched(bench->rounds, slice_text(path), false);
}

static int set_up(void **state)
{
	struct state_limits limits = {.spool_bytes = 64u << 20, .map_bytes = 256u << 20};
	struct bench *bench = calloc(1, sizeof(*bench));
	strcpy(bench->state_dir, "/tmp/test-app-rounds-XXXXXX");
	if (!scratch_init(&bench->scratch) || !mkdtemp(bench->state_dir) ||
	        state_open(bench->state_dir, &limits, &bench->state, NULL) < 0)
		return -1;
	bench->loop = loop_new();
	bench->patience = timer_new(bench->loop, on_impatience, bench);
	scratch_write(&bench->scratch, NODE("one"), ONE);
	make_rounds(bench, 2);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	if (bench->budget)
		budget_stop(bench->budget);
	app_rounds_free(bench->rounds);
	budget_free(bench->budget);
	timer_free(bench->patience);
	state_close(bench->state);
	loop_free(bench->loop);
	nftw(bench->state_dir, scratch_remove_one, 32, FTW_DEPTH | FTW_PHYS);
	scratch_fini(&bench->scratch);
	free(bench);
	return 0;
}

static void start(struct bench *bench)
{
	app_rounds_start(bench->rounds);
	run_job(bench);
}

static void test_start_is_a_walk(void **state)
{
	struct bench *bench = *state;
	start(bench);
	assert_int_equal(known(bench), 1);
	assert_int_equal(status_of(bench).packages, 1);
	assert_int_equal(status_of(bench).opened, 1);
	assert_true(status_of(bench).last_walk_ns > 0);
	assert_string_equal(status_of(bench).why, "");
}

static void test_touched_file_is_read_alone_and_told(void **state)
{
	struct bench *bench = *state;
	start(bench);
	write_file(bench, NODE("two"), TWO);
	write_file(bench, NODE("unseen"), TWO);
	touch(bench, NODE("two"));
	touch(bench, NODE("two"));
	run_job(bench);
	assert_int_equal(bench->events, 1);
	assert_int_equal(known(bench), 2);
	assert_int_equal(status_of(bench).packages, 2);
	assert_int_equal(status_of(bench).opened, 2);
}

static void test_removed_directory_takes_its_packages_along(void **state)
{
	struct bench *bench = *state;
	char from[128], to[128];
	start(bench);
	snprintf(from, sizeof(from), "%s/opt/node_modules", bench->scratch.root);
	snprintf(to, sizeof(to), "%s/elsewhere", bench->scratch.root);
	assert_int_equal(rename(from, to), 0);
	app_rounds_touched(bench->rounds, slice_text("/opt/node_modules"), true);
	run_job(bench);
	assert_int_equal(known(bench), 0);
	assert_int_equal(status_of(bench).packages, 0);
}

static void test_what_can_be_no_package_asks_for_nothing(void **state)
{
	struct bench *bench = *state;
	start(bench);
	touch(bench, "/etc/node_modules/one/package.json");
	app_rounds_touched(bench->rounds, slice_text("/home"), true);
	touch(bench, "/optional/node_modules/one/package.json");
	assert_false(runs_within(bench, 100));
	assert_int_equal(bench->commits, 1);
}

static void test_touches_while_held_are_looked_at_afterwards(void **state)
{
	struct bench *bench = *state;
	start(bench);
	app_rounds_hold(bench->rounds, true);
	write_file(bench, NODE("two"), TWO);
	touch(bench, NODE("two"));
	assert_false(runs_within(bench, 100));
	app_rounds_hold(bench->rounds, false);
	run_job(bench);
	assert_int_equal(known(bench), 2);
}

static void test_touches_during_a_walk_are_looked_at_afterwards(void **state)
{
	struct bench *bench = *state;
	app_rounds_start(bench->rounds); /* its thread is at work */
	write_file(bench, NODE("two"), TWO);
	touch(bench, NODE("two"));
	run_job(bench);
	run_job(bench);
	assert_int_equal(known(bench), 2);
}

static void touch_too_many(struct bench *bench)
{
	char path[64];
	for (int i = 0; i <= APP_TOUCHED_MAX; i++) {
		snprintf(path, sizeof(path), "/opt/node_modules/m%d/package.json", i);
		touch(bench, path);
	}
}

static void test_too_many_touches_are_a_walk(void **state)
{
	struct bench *bench = *state;
	start(bench);
	int64_t walked_ns = status_of(bench).last_walk_ns;
	write_file(bench, NODE("two"), TWO);
	touch_too_many(bench);
	run_job(bench);
	assert_int_not_equal(status_of(bench).last_walk_ns, walked_ns);
	assert_int_equal(known(bench), 2);
	/* And then touches are heard again. */
	write_file(bench, NODE("three"), ONE);
	touch(bench, NODE("three"));
	run_job(bench);
	assert_int_equal(known(bench), 3);
}

static void test_too_many_touches_during_a_walk_are_another_one(void **state)
{
	struct bench *bench = *state;
	app_rounds_start(bench->rounds);
	write_file(bench, NODE("two"), TWO);
	touch_too_many(bench);
	run_job(bench);
	int64_t walked_ns = status_of(bench).last_walk_ns;
	run_job(bench);
	assert_int_not_equal(status_of(bench).last_walk_ns, walked_ns);
	assert_int_equal(known(bench), 2);
}

static void test_walk_that_is_asked_for_comes_once_and_soon(void **state)
{
	struct bench *bench = *state;
	start(bench);
	write_file(bench, NODE("two"), TWO);
	app_rounds_ask(bench->rounds);
	app_rounds_ask(bench->rounds);
	run_job(bench);
	assert_int_equal(known(bench), 2);
	assert_false(runs_within(bench, 100));
}

static void test_no_directories_forget_what_was_known(void **state)
{
	struct bench *bench = *state;
	start(bench);
	app_rounds_free(bench->rounds);
	make_rounds(bench, 0);
	start(bench);
	assert_int_equal(known(bench), 0);
	/* And with nothing known there is nothing to do. */
	app_rounds_free(bench->rounds);
	make_rounds(bench, 0);
	app_rounds_start(bench->rounds);
	assert_false(runs_within(bench, 50));
}

static void test_freeing_ends_a_walk_that_is_held_back(void **state)
{
	struct bench *bench = *state;
	char path[64];
	app_rounds_free(bench->rounds);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/opt/d%d/x", i);
		write_file(bench, path, "");
	}
	bench->budget = budget_new(1, 0);
	make_rounds(bench, 2);
	app_rounds_start(bench->rounds);
	budget_stop(bench->budget);
	app_rounds_free(bench->rounds);
	bench->rounds = NULL;
}

static void test_file_systems_without_files_are_not_gone_into(void **state)
{
	(void)state;
	struct app_place root, inside;
	assert_int_equal(app_place_open("/", "/", &root), 0);
	assert_int_equal(app_place_enter(&root, "proc", slice_text("/proc"), &inside), ERR_MISSING);
	assert_int_equal(app_place_enter(&root, "usr", slice_text("/usr"), &inside), 0);
	close(inside.fd);
	close(root.fd);
	/* But for one that was named itself. */
	assert_int_equal(app_place_open("/", "/proc", &root), 0);
	close(root.fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_start_is_a_walk),
	        TEST(test_touched_file_is_read_alone_and_told),
	        TEST(test_removed_directory_takes_its_packages_along),
	        TEST(test_what_can_be_no_package_asks_for_nothing),
	        TEST(test_touches_while_held_are_looked_at_afterwards),
	        TEST(test_touches_during_a_walk_are_looked_at_afterwards),
	        TEST(test_too_many_touches_are_a_walk),
	        TEST(test_too_many_touches_during_a_walk_are_another_one),
	        TEST(test_walk_that_is_asked_for_comes_once_and_soon),
	        TEST(test_no_directories_forget_what_was_known),
	        TEST(test_freeing_ends_a_walk_that_is_held_back),
	        TEST(test_file_systems_without_files_are_not_gone_into),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
