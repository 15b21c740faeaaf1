#include "agent/fim/walk.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/agent-fim/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define PATHS_MAX   20000
#define PATIENCE_MS 20000
#define WORKERS     2

struct seen {
	char *path;
	unsigned hints;
	enum event_cause cause;
};

struct bench {
	struct scratch scratch;
	struct loop *loop;
	struct timer *patience;
	struct filter *filter;
	struct walk *walk;
	struct seen touch[PATHS_MAX];
	size_t touch_count;
	char *watched[PATHS_MAX];
	size_t watch_count;
	unsigned degraded, idles;
	bool is_held, holds_after_touch, stops_at_watch, has_failed;
};

static char *copy(struct slice path)
{
	return strndup((const char *)path.ptr, path.len);
}

static int on_watch(void *ctx, struct slice dir)
{
	struct bench *bench = ctx;
	assert_true(bench->watch_count < PATHS_MAX);
	bench->watched[bench->watch_count++] = copy(dir);
	if (bench->stops_at_watch)
		loop_stop(bench->loop);
	return 0;
}

static void on_touched(void *ctx, const struct touch *touches, size_t count)
{
	struct bench *bench = ctx;
	for (size_t i = 0; i < count; i++) {
		assert_true(bench->touch_count < PATHS_MAX);
		bench->touch[bench->touch_count++] = (struct seen){
		        copy(touches[i].path), touches[i].hints, touches[i].cause};
	}
	if (bench->holds_after_touch) {
		bench->is_held = true;
		loop_stop(bench->loop);
	}
}

static void on_degraded(void *ctx, struct slice dir, const char *why)
{
	struct bench *bench = ctx;
	assert_true(dir.len > 0 && why[0]);
	bench->degraded++;
}

static bool on_is_held(void *ctx)
{
	struct bench *bench = ctx;
	return bench->is_held;
}

static void on_idle(void *ctx)
{
	struct bench *bench = ctx;
	bench->idles++;
	loop_stop(bench->loop);
}

static void on_impatience(void *ctx)
{
	struct bench *bench = ctx;
	bench->has_failed = true;
	loop_stop(bench->loop);
}

static void run(struct bench *bench)
{
	timer_start(bench->patience, PATIENCE_MS, 0);
	loop_run(bench->loop);
	timer_stop(bench->patience);
	assert_false(bench->has_failed);
}

static void use_filter(struct bench *bench, const struct watch_entry *entries, size_t count)
{
	struct walk_events events = {.watch = on_watch,
	        .touched = on_touched,
	        .degraded = on_degraded,
	        .is_held = on_is_held,
	        .idle = on_idle};
	walk_free(bench->walk);
	filter_free(bench->filter);
	assert_int_equal(filter_new(entries, count, &bench->filter, NULL), 0);
	assert_int_equal(walk_new(bench->loop, bench->scratch.state, bench->filter, &events, bench,
	                         &bench->walk),
	        0);
}

static void watch_only(struct bench *bench, const char *name)
{
	struct watch_entry entry = {.path = scratch_path(&bench->scratch, name), .recursive = true};
	use_filter(bench, &entry, 1);
}

static void walk_over(struct bench *bench, const char *name)
{
	walk_request(bench->walk, slice_text(scratch_path(&bench->scratch, name)), CAUSE_RESCAN);
	run(bench);
	assert_true(walk_is_idle(bench->walk));
}

static const struct seen *touch_of(struct bench *bench, const char *name)
{
	for (size_t i = 0; i < bench->touch_count; i++)
		if (strcmp(bench->touch[i].path, scratch_path(&bench->scratch, name)) == 0)
			return &bench->touch[i];
	return NULL;
}

static bool is_watched(struct bench *bench, const char *path)
{
	for (size_t i = 0; i < bench->watch_count; i++)
		if (strcmp(bench->watched[i], path) == 0)
			return true;
	return false;
}

static void forget(struct bench *bench)
{
	while (bench->touch_count > 0)
		free(bench->touch[--bench->touch_count].path);
	while (bench->watch_count > 0)
		free(bench->watched[--bench->watch_count]);
}

static void make(struct bench *bench, const char *name)
{
	assert_true(scratch_write(&bench->scratch, name, "text"));
}

static void make_dir(struct bench *bench, const char *name)
{
	assert_true(scratch_mkdir(&bench->scratch, name));
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	if (!scratch_init(&bench->scratch))
		return -1;
	bench->loop = loop_new();
	bench->patience = timer_new(bench->loop, on_impatience, bench);
	watch_only(bench, "m");
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	forget(bench);
	walk_free(bench->walk);
	timer_free(bench->patience);
	loop_free(bench->loop);
	filter_free(bench->filter);
	scratch_fini(&bench->scratch);
	free(bench);
	return 0;
}

static void test_whole_tree_is_watched_and_touched(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m/a");
	make_dir(bench, "m/a/b");
	make(bench, "m/x");
	make(bench, "m/a/b/y");
	walk_over(bench, "m");
	assert_int_equal(bench->touch_count, 5);
	assert_int_equal(touch_of(bench, "m")->hints, TOUCH_DONE | TOUCH_DIRECTORY);
	assert_int_equal(touch_of(bench, "m/a/b/y")->hints, TOUCH_DONE | TOUCH_LISTED);
	assert_int_equal(touch_of(bench, "m/a/b/y")->cause, CAUSE_RESCAN);
	assert_true(is_watched(bench, scratch_path(&bench->scratch, "m/a/b")));
	assert_int_equal(bench->idles, 1);
	struct walk_progress progress = walk_progress(bench->walk);
	assert_int_equal(progress.directories, 3);
	assert_int_equal(progress.entries, 4);
	assert_int_equal(progress.queued, 0);
}

static void test_ancestors_of_a_root_are_watched(void **state)
{
	struct bench *bench = *state;
	walk_over(bench, "m");
	assert_true(is_watched(bench, "/"));
	assert_true(is_watched(bench, "/tmp"));
	assert_true(is_watched(bench, bench->scratch.dir));
	assert_null(touch_of(bench, "s"));
}

static void test_missing_root_is_awaited_at_its_nearest_ancestor(void **state)
{
	struct bench *bench = *state;
	watch_only(bench, "n/o/p");
	walk_over(bench, "n/o/p");
	assert_true(is_watched(bench, bench->scratch.dir));
	assert_int_equal(touch_of(bench, "n/o/p")->hints, TOUCH_DONE | TOUCH_GONE);
	forget(bench);
	make_dir(bench, "n");
	make_dir(bench, "n/o");
	walk_over(bench, "n"); /* an ancestor stands for the roots below it */
	assert_true(is_watched(bench, scratch_path(&bench->scratch, "n/o")));
	make_dir(bench, "n/o/p");
	make(bench, "n/o/p/x");
	forget(bench);
	walk_over(bench, "n/o");
	assert_non_null(touch_of(bench, "n/o/p/x"));
}

static void test_single_file_root_is_touched_and_its_directory_watched(void **state)
{
	struct bench *bench = *state;
	make(bench, "m/x");
	make(bench, "m/y");
	watch_only(bench, "m/x");
	walk_over(bench, "m/x");
	assert_int_equal(bench->touch_count, 1);
	assert_non_null(touch_of(bench, "m/x"));
	assert_true(is_watched(bench, bench->scratch.root));
}

static void test_root_that_is_a_link_is_touched_and_its_covered_target_walked(void **state)
{
	struct bench *bench = *state;
	make(bench, "m/x");
	assert_int_equal(symlink("m", scratch_path(&bench->scratch, "link")), 0);
	struct watch_entry entries[] = {
	        {.path = scratch_path(&bench->scratch, "link"), .recursive = true},
	        {.path = bench->scratch.root, .recursive = true},
	};
	use_filter(bench, entries, 2);
	walk_over(bench, "link");
	assert_non_null(touch_of(bench, "link"));
	assert_non_null(touch_of(bench, "m/x"));
	assert_null(touch_of(bench, "link/x"));
	forget(bench);
	watch_only(bench, "link");
	walk_over(bench, "link");
	assert_int_equal(bench->touch_count, 1);
}

static void test_excluded_subtree_costs_no_watch(void **state)
{
	static const char *const exclude[] = {"skip/"};
	struct bench *bench = *state;
	make_dir(bench, "m/skip");
	make_dir(bench, "m/skip/deep");
	struct watch_entry entry = {.path = bench->scratch.root,
	        .recursive = true,
	        .exclude_count = 1,
	        .exclude = exclude};
	use_filter(bench, &entry, 1);
	walk_over(bench, "m");
	assert_false(is_watched(bench, scratch_path(&bench->scratch, "m/skip")));
	assert_false(is_watched(bench, scratch_path(&bench->scratch, "m/skip/deep")));
	assert_null(touch_of(bench, "m/skip"));
}

static void test_requests_for_one_path_become_one(void **state)
{
	struct bench *bench = *state;
	make(bench, "m/x");
	struct slice root = slice_text(bench->scratch.root);
	walk_request_entries(bench->walk, root, CAUSE_LIVE);
	walk_request(bench->walk, root, CAUSE_RESCAN);
	walk_request(bench->walk, root, CAUSE_LIVE);
	run(bench);
	assert_int_equal(walk_progress(bench->walk).directories, 1);
	assert_int_equal(bench->touch_count, 2);
}

static void test_entries_request_stays_in_one_directory(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m/d");
	make(bench, "m/d/x");
	walk_request_entries(bench->walk, slice_text(bench->scratch.root), CAUSE_LIVE);
	run(bench);
	assert_int_equal(bench->touch_count, 1);
	assert_non_null(touch_of(bench, "m/d"));
}

static void test_held_walk_begins_nothing_until_resumed(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m/d");
	make(bench, "m/d/x");
	bench->holds_after_touch = true;
	walk_request(bench->walk, slice_text(bench->scratch.root), CAUSE_RESCAN);
	run(bench);
	assert_null(touch_of(bench, "m/d/x"));
	assert_false(walk_is_idle(bench->walk));
	bench->holds_after_touch = bench->is_held = false;
	walk_resume(bench->walk);
	run(bench);
	assert_non_null(touch_of(bench, "m/d/x"));
	assert_int_equal(bench->idles, 1);
}

static void test_thousands_of_directories_are_each_seen_once(void **state)
{
	struct bench *bench = *state;
	char name[64];
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "m/%d", i);
		make_dir(bench, name);
		for (int k = 0; k < 40; k++) {
			snprintf(name, sizeof(name), "m/%d/%d", i, k);
			make_dir(bench, name);
			snprintf(name, sizeof(name), "m/%d/%d/x", i, k);
			make(bench, name);
		}
	}
	walk_over(bench, "m");
	assert_int_equal(bench->touch_count, 1 + 40 + 1600 + 1600);
	assert_int_equal(walk_progress(bench->walk).directories, 1 + 40 + 1600);
}

static void test_vanished_directory_is_no_complaint(void **state)
{
	struct bench *bench = *state;
	walk_over(bench, "m/never");
	assert_int_equal(bench->touch_count, 1);
	assert_int_equal(touch_of(bench, "m/never")->hints, TOUCH_DONE | TOUCH_GONE);
	assert_int_equal(bench->degraded, 0);
}

static void test_pseudo_file_system_is_not_entered(void **state)
{
	struct bench *bench = *state;
	struct watch_entry entry = {.path = "/proc", .recursive = true};
	use_filter(bench, &entry, 1);
	walk_request(bench->walk, slice_text("/proc"), CAUSE_BASELINE);
	run(bench);
	assert_int_equal(bench->touch_count, 1);
	assert_false(is_watched(bench, "/proc"));
}

static void test_uncovered_request_touches_nothing(void **state)
{
	struct bench *bench = *state;
	walk_over(bench, "s");
	assert_int_equal(bench->touch_count, 0);
	assert_int_equal(bench->idles, 1);
}

static void wait_for_gate(void *ctx)
{
	pthread_mutex_t *gate = ctx;
	pthread_mutex_lock(gate);
	pthread_mutex_unlock(gate);
}

static void gate_passed(void *ctx)
{
	(void)ctx;
}

static void test_freeing_while_work_is_under_way_is_safe(void **state)
{
	struct bench *bench = *state;
	make(bench, "m/x");
	/* The workers are busy, so that the walk's job cannot be over within the loop's step. */
	static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&gate);
	for (unsigned i = 0; i < WORKERS; i++)
		loop_work(bench->loop, wait_for_gate, gate_passed, &gate);
	bench->stops_at_watch = true; /* a directory is watched just before its job begins */
	walk_request_entries(bench->walk, slice_text(bench->scratch.root), CAUSE_LIVE);
	run(bench);
	assert_false(walk_is_idle(bench->walk));
	assert_int_equal(bench->touch_count, 0);
	walk_free(bench->walk);
	bench->walk = NULL;
	pthread_mutex_unlock(&gate);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	loop_set_workers(WORKERS);
	const struct CMUnitTest tests[] = {
	        TEST(test_whole_tree_is_watched_and_touched),
	        TEST(test_ancestors_of_a_root_are_watched),
	        TEST(test_missing_root_is_awaited_at_its_nearest_ancestor),
	        TEST(test_single_file_root_is_touched_and_its_directory_watched),
	        TEST(test_root_that_is_a_link_is_touched_and_its_covered_target_walked),
	        TEST(test_excluded_subtree_costs_no_watch),
	        TEST(test_requests_for_one_path_become_one),
	        TEST(test_entries_request_stays_in_one_directory),
	        TEST(test_held_walk_begins_nothing_until_resumed),
	        TEST(test_thousands_of_directories_are_each_seen_once),
	        TEST(test_vanished_directory_is_no_complaint),
	        TEST(test_pseudo_file_system_is_not_entered),
	        TEST(test_uncovered_request_touches_nothing),
	        TEST(test_freeing_while_work_is_under_way_is_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
