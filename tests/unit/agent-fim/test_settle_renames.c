#include "tests/unit/agent-fim/settle_scene.h"

static void rename_to(const char *path, const char *old_path)
{
	struct touch one = {.path = slice_text(path),
	        .old_path = slice_text(old_path),
	        .hints = TOUCH_DONE,
	        .cause = CAUSE_LIVE};
	settle_touch(settle, &one, now);
}

/* --- renames --------------------------------------------------------------------------------- */

static void test_a_rename_keeps_its_paths_together(void **state)
{
	(void)state;
	touch("/old", TOUCH_CREATED | TOUCH_WRITING);
	rename_to("/new", "/old");
	const struct settled *settled = take("/new");
	assert_true(slice_is(settled->old_path, "/old"));
	assert_int_equal(settled->old_lives, 0);
	assert_false(settled->old_follows);
	touch("/old", TOUCH_DONE);
	touch("/new", TOUCH_DONE);
	assert_nothing();
	finish(settled);
	const struct settled *out[3];
	assert_int_equal(settle_take(settle, now, out, 3), 2);
	finish(out[0]);
	finish(out[1]);
	assert_int_equal(settle_count(settle), 0);
}

static void test_a_rename_waits_for_its_old_path_to_come_back(void **state)
{
	(void)state;
	touch("/old", TOUCH_DONE);
	const struct settled *old = take("/old");
	rename_to("/new", "/old");
	assert_nothing();
	finish(old);
	assert_true(slice_is(take("/new")->old_path, "/old"));
}

static void test_a_new_file_at_the_old_path_follows_the_rename(void **state)
{
	(void)state;
	rename_to("/log.1", "/log");
	touch("/log", TOUCH_CREATED | TOUCH_DONE);
	const struct settled *settled = take("/log.1");
	assert_true(settled->old_follows);
	assert_nothing();
	finish(settled);
	const struct settled *log = take("/log");
	assert_null(log->old_path.ptr);
	assert_int_equal(log->lives, 1);
}

static void test_a_rotation_is_taken_in_its_order(void **state)
{
	(void)state;
	rename_to("/log.2", "/log.1");
	rename_to("/log.1", "/log");
	touch("/log", TOUCH_CREATED | TOUCH_DONE);
	const struct settled *settled = take("/log.2");
	assert_true(slice_is(settled->old_path, "/log.1"));
	assert_true(settled->old_follows);
	assert_nothing();
	finish(settled);
	settled = take("/log.1");
	assert_true(slice_is(settled->old_path, "/log"));
	finish(settled);
	finish(take("/log"));
	assert_int_equal(settle_count(settle), 0);
}

static void test_two_renames_of_one_file_are_one(void **state)
{
	(void)state;
	rename_to("/b", "/a");
	rename_to("/c", "/b");
	const struct settled *out[4];
	assert_int_equal(settle_take(settle, now, out, 4), 2);
	for (int i = 0; i < 2; i++) {
		if (slice_is(out[i]->path, "/c"))
			assert_true(slice_is(out[i]->old_path, "/a"));
		else
			assert_true(slice_is(out[i]->path, "/b") && !out[i]->old_path.ptr);
		finish(out[i]);
	}
	assert_int_equal(settle_count(settle), 0);
}

static void test_a_rename_and_back_is_two_single_paths(void **state)
{
	(void)state;
	rename_to("/b", "/a");
	rename_to("/a", "/b");
	const struct settled *out[4];
	assert_int_equal(settle_take(settle, now, out, 4), 2);
	assert_null(out[0]->old_path.ptr);
	assert_null(out[1]->old_path.ptr);
}

static void test_a_temporary_file_renamed_away_leaves_no_life(void **state)
{
	(void)state;
	touch("/.t", TOUCH_CREATED | TOUCH_WRITING);
	touch("/.t", TOUCH_GONE);
	touch("/.t", TOUCH_CREATED | TOUCH_WRITING);
	touch("/.t", TOUCH_DONE);
	rename_to("/t", "/.t");
	const struct settled *settled = take("/t");
	assert_int_equal(settled->old_lives, 1); /* the one that was deleted */
	assert_int_equal(settled->lives, 0);
	finish(settled);
	assert_int_equal(settle_count(settle), 0);
}

static void test_a_rename_comes_again_with_both_paths(void **state)
{
	(void)state;
	rename_to("/new", "/old");
	settle_finish(settle, take("/new"), 1000, now);
	assert_nothing();
	now += 1000;
	const struct settled *settled = take("/new");
	assert_true(slice_is(settled->old_path, "/old"));
	finish(settled);
	assert_int_equal(settle_count(settle), 0);
}

static void test_above_the_limit_the_directory_is_asked_for(void **state)
{
	(void)state;
	touch("/d/a", TOUCH_DONE);
	touch("/d/b", TOUCH_DONE);
	touch("/d/e/c", TOUCH_DONE);
	assert_int_equal(overflow_count, 1);
	assert_string_equal(overflowed, "/d/e");
	touch("/c", TOUCH_DONE);
	assert_string_equal(overflowed, "/");
	touch("/d/a", TOUCH_GONE);
	assert_int_equal(overflow_count, 2);
	assert_int_equal(settle_count(settle), 2);
	rename_to("/x/new", "/d/a");
	assert_string_equal(overflowed, "/x");
	finish(take("/d/a"));
	finish(take("/d/b"));
}

/* --- anything -------------------------------------------------------------------------------- */

#define NAMES 6

struct model {
	bool is_due[NAMES]; /* touched since it was last given out */
	bool is_out[NAMES];
};

static unsigned index_of(struct slice path)
{
	return (unsigned)(path.ptr[1] - 'a');
}

static void assert_given_out(struct model *model, const struct settled *settled)
{
	unsigned at = index_of(settled->path);
	assert_false(model->is_out[at]);
	model->is_out[at] = true;
	model->is_due[at] = false;
	if (!settled->old_path.ptr)
		return;
	at = index_of(settled->old_path);
	assert_false(model->is_out[at]);
	model->is_out[at] = true;
	if (!settled->old_follows)
		model->is_due[at] = false;
}

static void give_back(struct model *model, const struct settled *settled, bool again)
{
	unsigned at = index_of(settled->path);
	model->is_out[at] = false;
	model->is_due[at] |= again;
	if (settled->old_path.ptr) {
		unsigned old = index_of(settled->old_path);
		model->is_out[old] = false;
		model->is_due[old] |= again;
	}
	settle_finish(settle, settled, again ? 50 : 0, now);
}

/* Whatever is said in whatever order: no path is out twice at a time, and every touch is followed
 * by a reading of its path. */
static void test_older_ones_are_counted_until_they_are_finished(void **state)
{
	(void)state;
	touch("/a", TOUCH_DONE);
	touch("/b", TOUCH_DONE);
	const struct settled *a = take("/a");
	settle_mark(settle);
	touch("/c", TOUCH_DONE);
	assert_int_equal(settle_count_older(settle), 2);
	settle_finish(settle, a, 5, now); /* and has to be read again: still an older one */
	assert_int_equal(settle_count_older(settle), 2);
	finish(take("/b"));
	assert_int_equal(settle_count_older(settle), 1);
	now += 5;
	finish(take("/c"));
	touch("/a", TOUCH_DONE);
	finish(take("/a"));
	assert_int_equal(settle_count_older(settle), 0);
	assert_int_equal(settle_count(settle), 0);
}

static void test_no_touch_is_forgotten_and_no_path_is_out_twice(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 3000; seed++) {
		struct model model = {0};
		const struct settled *out[NAMES];
		size_t count = 0;
		srand(seed);
		begin_with(0);
		for (int i = 0; i < 60; i++) {
			char path[3] = {'/', (char)('a' + rand() % NAMES), '\0'};
			char old[3] = {'/', (char)('a' + rand() % NAMES), '\0'};
			now += (unsigned)rand() % 300;
			switch (rand() % 6) {
			case 0:
			case 1:
				rename_to(path, old);
				model.is_due[path[1] - 'a'] = true;
				model.is_due[old[1] - 'a'] = true;
				break;
			case 2:
				touch(path, TOUCH_CREATED | TOUCH_WRITING);
				model.is_due[path[1] - 'a'] = true;
				break;
			case 3:
				touch(path, TOUCH_GONE);
				model.is_due[path[1] - 'a'] = true;
				break;
			case 4:
				if (count < NAMES && (out[count] = take_any()))
					assert_given_out(&model, out[count++]);
				break;
			default:
				if (count > 0)
					give_back(&model, out[--count], rand() % 3 == 0);
			}
		}
		while (count > 0)
			give_back(&model, out[--count], false);
		for (now += 10000; (out[0] = take_any()); now += 10000) {
			assert_given_out(&model, out[0]);
			give_back(&model, out[0], false);
		}
		for (unsigned at = 0; at < NAMES; at++) {
			if (model.is_due[at])
				fail_msg("seed %u: '/%c' was forgotten", seed, 'a' + at);
		}
		assert_int_equal(settle_count(settle), 0);
		assert_int_equal(settle_count_cause(settle, CAUSE_LIVE), 0);
		settle_free(settle);
	}
}

static struct witness *process(uint32_t pid)
{
	struct actor actor = {.pid = pid, .started_ns = pid * 1000000000LL};
	return witness_new(&actor, ACTOR_KNOWN);
}

static void touch_by(const char *path, unsigned hints, struct witness *by)
{
	struct touch touch = {
	        .path = slice_text(path), .hints = hints, .cause = CAUSE_LIVE, .by = by};
	settle_touch(settle, &touch, now);
}

static void rename_by(const char *path, const char *old_path, struct witness *by)
{
	struct touch touch = {.path = slice_text(path),
	        .old_path = slice_text(old_path),
	        .hints = TOUCH_DONE,
	        .cause = CAUSE_LIVE,
	        .by = by};
	settle_touch(settle, &touch, now);
}

static void test_a_path_keeps_who_touched_it_until_it_was_read(void **state)
{
	(void)state;
	struct witness *vim = process(7);
	touch_by("/a", TOUCH_WRITING, vim);
	touch("/a", TOUCH_DONE);
	const struct settled *settled = take("/a");
	assert_ptr_equal(settled->by, vim);
	assert_int_equal(settled->gap, ACTOR_KNOWN);
	touch("/a", TOUCH_DONE); /* while it is out: nobody that is known */
	assert_ptr_equal(settled->by, vim);
	finish(settled);
	settled = take("/a");
	assert_null(settled->by);
	assert_int_equal(settled->gap, ACTOR_UNSEEN);
	finish(settled);
	assert_int_equal(vim->references, 1);
	witness_drop(vim);
}

static void test_of_two_processes_the_last_is_told(void **state)
{
	(void)state;
	struct witness *vim = process(7), *sed = process(8);
	touch_by("/a", TOUCH_WRITING, vim);
	touch_by("/a", TOUCH_DONE, sed);
	const struct settled *settled = take("/a");
	assert_ptr_equal(settled->by, sed);
	assert_int_equal(settled->gap, ACTOR_MANY);
	finish(settled);
	witness_drop(vim);
	witness_drop(sed);
}

static void test_a_path_that_is_read_again_keeps_who_touched_it(void **state)
{
	(void)state;
	struct witness *vim = process(7), *sed = process(8);
	touch_by("/a", TOUCH_DONE, vim);
	settle_finish(settle, take("/a"), 100, now);
	now += 100;
	const struct settled *settled = take("/a");
	assert_ptr_equal(settled->by, vim);
	assert_int_equal(settled->gap, ACTOR_KNOWN);
	touch_by("/a", TOUCH_DONE, sed);
	settle_finish(settle, settled, 100, now);
	settled = take("/a");
	assert_ptr_equal(settled->by, sed);
	assert_int_equal(settled->gap, ACTOR_MANY);
	finish(settled);
	witness_drop(vim);
	witness_drop(sed);
}

static void test_a_rename_takes_along_who_wrote_the_old_path(void **state)
{
	(void)state;
	struct witness *sort = process(7), *mv = process(8);
	touch_by("/t", TOUCH_CREATED | TOUCH_DONE, sort);
	rename_by("/a", "/t", mv);
	const struct settled *settled = take("/a");
	assert_ptr_equal(settled->by, mv);
	assert_int_equal(settled->gap, ACTOR_MANY);
	finish(settled);
	assert_nothing();
	touch_by("/t", TOUCH_CREATED | TOUCH_DONE, mv);
	rename_by("/u", "/t", mv);
	rename_by("/a", "/u", sort);
	finish(take("/u"));
	settled = take("/a");
	assert_ptr_equal(settled->by, sort);
	assert_int_equal(settled->gap, ACTOR_MANY);
	settle_finish(settle, settled, 1, now); /* again, with both paths */
	now++;
	settled = take("/a");
	assert_true(slice_is(settled->old_path, "/t"));
	assert_ptr_equal(settled->by, sort);
	finish(settled);
	assert_int_equal(settle_count(settle), 0);
	assert_int_equal(sort->references, 1);
	assert_int_equal(mv->references, 1);
	witness_drop(sort);
	witness_drop(mv);
}

static void test_what_is_still_held_at_the_end_is_let_go(void **state)
{
	(void)state;
	struct witness *vim = process(7);
	touch_by("/waits", TOUCH_WRITING, vim);
	touch_by("/is-out", TOUCH_DONE, vim);
	take("/is-out");
	settle_free(settle);
	settle = NULL;
	assert_int_equal(vim->references, 1);
	witness_drop(vim);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(test_a_rename_keeps_its_paths_together),
	        TEST(test_a_rename_waits_for_its_old_path_to_come_back),
	        TEST(test_a_new_file_at_the_old_path_follows_the_rename),
	        TEST(test_a_rotation_is_taken_in_its_order),
	        TEST(test_two_renames_of_one_file_are_one),
	        TEST(test_a_rename_and_back_is_two_single_paths),
	        TEST(test_a_temporary_file_renamed_away_leaves_no_life),
	        TEST(test_a_rename_comes_again_with_both_paths),
	        TEST(test_a_path_keeps_who_touched_it_until_it_was_read),
	        TEST(test_of_two_processes_the_last_is_told),
	        TEST(test_a_path_that_is_read_again_keeps_who_touched_it),
	        TEST(test_a_rename_takes_along_who_wrote_the_old_path),
	        TEST(test_what_is_still_held_at_the_end_is_let_go),
	        TEST(test_older_ones_are_counted_until_they_are_finished),
	        cmocka_unit_test_setup_teardown(
	                test_above_the_limit_the_directory_is_asked_for, begin_small, end),
	        cmocka_unit_test(test_no_touch_is_forgotten_and_no_path_is_out_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
