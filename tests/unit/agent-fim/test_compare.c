#include "agent/fim/compare.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/agent-fim/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

struct bench {
	struct scratch scratch;
	struct filter *filter;
	struct comparer *comparer;
	struct arena *arena;
	struct compared out;
};

static void use_filter(
        struct bench *bench, bool recursive, size_t count, const char *const *exclude)
{
	struct watch_entry entry = {.path = bench->scratch.root,
	        .recursive = recursive,
	        .exclude_count = count,
	        .exclude = exclude};
	comparer_free(bench->comparer);
	filter_free(bench->filter);
	assert_int_equal(filter_new(&entry, 1, &bench->filter, NULL), 0);
	bench->comparer = comparer_new(bench->filter);
}

static int run_request(struct bench *bench, struct compare_request request)
{
	struct kv_txn *txn = NULL;
	request.cause = CAUSE_OFFLINE;
	arena_reset(bench->arena);
	assert_int_equal(kv_begin_read(state_kv(bench->scratch.state), &txn), 0);
	int rc = comparer_run(bench->comparer, txn, &request, bench->arena, &bench->out);
	kv_abort(txn);
	return rc;
}

static int run(struct bench *bench, const char *name)
{
	struct slice dir = slice_text(scratch_path(&bench->scratch, name));
	return run_request(bench, (struct compare_request){.dir = dir});
}

static const struct touch *touch_of(struct bench *bench, const char *name)
{
	for (size_t i = 0; i < bench->out.touch_count; i++)
		if (slice_is(bench->out.touch[i].path, scratch_path(&bench->scratch, name)))
			return &bench->out.touch[i];
	return NULL;
}

static unsigned hints_of(struct bench *bench, const char *name)
{
	const struct touch *touch = touch_of(bench, name);
	return touch ? touch->hints : 0;
}

static bool descends(struct bench *bench, const char *name)
{
	for (size_t i = 0; i < bench->out.subdir_count; i++)
		if (slice_is(bench->out.subdir[i], scratch_path(&bench->scratch, name)))
			return true;
	return false;
}

static void make(struct bench *bench, const char *name)
{
	assert_true(scratch_write(&bench->scratch, name, "text"));
}

static void know(struct bench *bench, const char *name)
{
	assert_true(scratch_know(&bench->scratch, name, false));
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	if (!scratch_init(&bench->scratch))
		return -1;
	bench->arena = arena_new(64u << 20);
	use_filter(bench, true, 0, NULL);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	comparer_free(bench->comparer);
	filter_free(bench->filter);
	arena_free(bench->arena);
	scratch_fini(&bench->scratch);
	free(bench);
	return 0;
}

static void test_unknown_directory_is_touched_whole(void **state)
{
	struct bench *bench = *state;
	make(bench, "m/b");
	make(bench, "m/a");
	assert_true(scratch_mkdir(&bench->scratch, "m/d"));
	assert_int_equal(symlink("a", scratch_path(&bench->scratch, "m/l")), 0);
	assert_int_equal(run(bench, "m"), 0);
	assert_int_equal(bench->out.touch_count, 4);
	assert_int_equal(bench->out.entries, 4);
	assert_int_equal(hints_of(bench, "m/a"), TOUCH_DONE | TOUCH_LISTED);
	assert_int_equal(hints_of(bench, "m/l"), TOUCH_DONE);
	assert_int_equal(hints_of(bench, "m/d"), TOUCH_DONE | TOUCH_DIRECTORY);
	assert_int_equal(touch_of(bench, "m/a")->cause, CAUSE_OFFLINE);
	assert_int_equal(bench->out.subdir_count, 1);
	assert_true(descends(bench, "m/d"));
	assert_null(bench->out.after.ptr);
}

static void test_what_stands_is_not_touched(void **state)
{
	struct bench *bench = *state;
	make(bench, "m/a");
	make(bench, "m/b");
	assert_true(scratch_mkdir(&bench->scratch, "m/d"));
	know(bench, "m/a");
	know(bench, "m/b");
	know(bench, "m/d");
	assert_int_equal(run(bench, "m"), 0);
	assert_int_equal(bench->out.touch_count, 0);
	assert_true(descends(bench, "m/d"));
}

static void test_new_changed_and_missing_are_touched(void **state)
{
	struct bench *bench = *state;
	make(bench, "m/changed");
	make(bench, "m/same");
	assert_true(scratch_know(&bench->scratch, "m/changed", true));
	know(bench, "m/same");
	make(bench, "m/new");
	assert_true(scratch_know(&bench->scratch, "m/missing", true));
	assert_true(scratch_know(&bench->scratch, "m/zz-missing", true));
	assert_true(scratch_know(&bench->scratch, "mm/other", true));
	assert_int_equal(run(bench, "m"), 0);
	assert_int_equal(hints_of(bench, "m/new"), TOUCH_DONE | TOUCH_LISTED);
	assert_int_equal(hints_of(bench, "m/changed"), TOUCH_DONE);
	assert_int_equal(hints_of(bench, "m/missing"), TOUCH_DONE | TOUCH_GONE);
	assert_int_equal(hints_of(bench, "m/zz-missing"), TOUCH_DONE | TOUCH_GONE);
	assert_int_equal(bench->out.touch_count, 4);
}

static void test_names_sort_as_bytes_do(void **state)
{
	static const char *const names[] = {
	        "m/a", "m/a b", "m/a.b", "m/aXb", "m/a_b", "m/B", "m/\xff", "m/\x01", "m/~"};
	struct bench *bench = *state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		make(bench, names[i]);
		know(bench, names[i]);
	}
	assert_int_equal(run(bench, "m"), 0);
	assert_int_equal(bench->out.touch_count, 0);
}

static void test_directory_that_became_a_file_is_touched_as_both(void **state)
{
	struct bench *bench = *state;
	assert_true(scratch_mkdir(&bench->scratch, "m/d"));
	know(bench, "m/d");
	assert_int_equal(rmdir(scratch_path(&bench->scratch, "m/d")), 0);
	make(bench, "m/d");
	assert_int_equal(run(bench, "m"), 0);
	assert_int_equal(hints_of(bench, "m/d"), TOUCH_DONE | TOUCH_DIRECTORY);
	assert_int_equal(bench->out.subdir_count, 0);
}

static void test_what_the_filter_left_is_retired(void **state)
{
	static const char *const exclude[] = {"*.tmp", "skip/"};
	struct bench *bench = *state;
	make(bench, "m/a.tmp");
	make(bench, "m/new.tmp");
	assert_true(scratch_mkdir(&bench->scratch, "m/skip"));
	know(bench, "m/a.tmp");
	know(bench, "m/skip");
	assert_true(scratch_know(&bench->scratch, "m/gone.tmp", true));
	use_filter(bench, true, 2, exclude);
	assert_int_equal(run(bench, "m"), 0);
	assert_int_equal(hints_of(bench, "m/a.tmp"), TOUCH_DONE | TOUCH_RETIRE);
	assert_int_equal(hints_of(bench, "m/gone.tmp"), TOUCH_DONE | TOUCH_RETIRE);
	assert_int_equal(hints_of(bench, "m/skip"), TOUCH_DONE | TOUCH_RETIRE | TOUCH_DIRECTORY);
	assert_int_equal(bench->out.touch_count, 3);
	assert_int_equal(bench->out.subdir_count, 0);
}

static void test_flat_entry_does_not_descend(void **state)
{
	struct bench *bench = *state;
	assert_true(scratch_mkdir(&bench->scratch, "m/d"));
	use_filter(bench, false, 0, NULL);
	assert_int_equal(run(bench, "m"), 0);
	assert_int_equal(hints_of(bench, "m/d"), TOUCH_DONE | TOUCH_DIRECTORY);
	assert_int_equal(bench->out.subdir_count, 0);
}

static void test_directory_itself_is_compared_when_asked(void **state)
{
	struct bench *bench = *state;
	struct compare_request request = {
	        .dir = slice_text(bench->scratch.root), .with_self = true};
	assert_int_equal(run_request(bench, request), 0);
	assert_int_equal(hints_of(bench, "m"), TOUCH_DONE | TOUCH_DIRECTORY);
	know(bench, "m");
	assert_int_equal(run_request(bench, request), 0);
	assert_int_equal(bench->out.touch_count, 0);
}

static void test_without_descent_a_new_directory_is_to_be_listed_by_itself(void **state)
{
	struct bench *bench = *state;
	assert_true(scratch_mkdir(&bench->scratch, "m/known"));
	assert_true(scratch_mkdir(&bench->scratch, "m/new"));
	know(bench, "m");
	know(bench, "m/known");
	struct slice dir = slice_text(scratch_path(&bench->scratch, "m"));
	struct compare_request request = {.dir = dir, .entries_only = true};
	assert_int_equal(run_request(bench, request), 0);
	assert_int_equal(bench->out.touch_count, 1);
	assert_true(hints_of(bench, "m/new") & TOUCH_RELIST);
	request.entries_only = false;
	assert_int_equal(run_request(bench, request), 0);
	assert_false(hints_of(bench, "m/new") & TOUCH_RELIST);
}

static void test_large_directory_takes_turns_and_misses_nothing(void **state)
{
	struct bench *bench = *state;
	char name[32], after[300];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "m/f%d", i);
		if (i % 3)
			make(bench, name);
		if (i % 3 != 1)
			assert_true(scratch_know(&bench->scratch, name, true));
	}
	struct compare_request request = {
	        .dir = slice_text(bench->scratch.root), .most_results = 7};
	size_t touches = 0, turns = 0;
	do {
		assert_int_equal(run_request(bench, request), 0);
		assert_true(bench->out.touch_count <= 7);
		touches += bench->out.touch_count;
		turns++;
		request.after = (struct slice){0};
		if (bench->out.after.ptr) {
			memcpy(after, bench->out.after.ptr, bench->out.after.len);
			request.after = slice_of(after, bench->out.after.len);
		}
	} while (request.after.ptr);
	assert_int_equal(touches, 100);
	assert_int_equal(turns, 15);
}

static void test_no_directory_is_an_error_and_touches_nothing(void **state)
{
	struct bench *bench = *state;
	make(bench, "m/a");
	assert_int_equal(symlink(".", scratch_path(&bench->scratch, "m/l")), 0);
	assert_true(scratch_know(&bench->scratch, "m/gone/x", true));
	assert_int_equal(run(bench, "m/gone"), -ENOENT);
	assert_int_equal(run(bench, "m/a"), -ENOTDIR);
	assert_int_equal(run(bench, "m/l"), -ENOTDIR);
}

static void test_unlistable_directory_makes_nothing_look_deleted(void **state)
{
	struct bench *bench = *state;
	if (geteuid() == 0)
		skip(); /* root lists everything */
	assert_true(scratch_mkdir(&bench->scratch, "m/d"));
	assert_true(scratch_know(&bench->scratch, "m/d/x", true));
	assert_int_equal(chmod(scratch_path(&bench->scratch, "m/d"), 0), 0);
	assert_int_equal(run(bench, "m/d"), -EACCES);
	assert_int_equal(chmod(scratch_path(&bench->scratch, "m/d"), 0700), 0);
}

static void test_pseudo_file_systems_are_known(void **unused)
{
	(void)unused;
	assert_true(is_pseudo_fs("/proc"));
	assert_true(is_pseudo_fs("/proc/self"));
	assert_false(is_pseudo_fs("/tmp"));
	assert_false(is_pseudo_fs("/nonexistent"));
}

static void test_what_a_link_leads_to_is_not_compared(void **state)
{
	struct bench *bench = *state;
	char link[PATH_MAX];
	assert_true(scratch_mkdir(&bench->scratch, "away"));
	assert_true(scratch_mkdir(&bench->scratch, "away/s"));
	snprintf(link, sizeof(link), "%s", scratch_path(&bench->scratch, "m/l"));
	make(bench, "m/x");
	assert_int_equal(symlink(scratch_path(&bench->scratch, "away"), link), 0);
	assert_int_equal(run(bench, "m/l/s"), -ESTALE);
	assert_int_equal(run(bench, "m"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_what_a_link_leads_to_is_not_compared),
	        TEST(test_unknown_directory_is_touched_whole),
	        TEST(test_what_stands_is_not_touched),
	        TEST(test_new_changed_and_missing_are_touched),
	        TEST(test_names_sort_as_bytes_do),
	        TEST(test_directory_that_became_a_file_is_touched_as_both),
	        TEST(test_what_the_filter_left_is_retired),
	        TEST(test_flat_entry_does_not_descend),
	        TEST(test_directory_itself_is_compared_when_asked),
	        TEST(test_without_descent_a_new_directory_is_to_be_listed_by_itself),
	        TEST(test_large_directory_takes_turns_and_misses_nothing),
	        TEST(test_no_directory_is_an_error_and_touches_nothing),
	        TEST(test_unlistable_directory_makes_nothing_look_deleted),
	        cmocka_unit_test(test_pseudo_file_systems_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
