#include "agent/fim/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/err.h"

static const struct filestate FILE_A = {
        .type = FILE_REGULAR, .hash = HASH_DONE, .inode = 1, .ctime_ns = 50, .sha256 = {1}};
static const struct filestate FILE_B = {
        .type = FILE_REGULAR, .hash = HASH_DONE, .inode = 1, .ctime_ns = 60, .sha256 = {2}};
static const struct filestate FILE_CHMOD = {.type = FILE_REGULAR,
        .hash = HASH_DONE,
        .inode = 1,
        .mode = 0600,
        .ctime_ns = 60,
        .sha256 = {1}};
static const struct filestate FILE_CTIME = {
        .type = FILE_REGULAR, .hash = HASH_DONE, .inode = 1, .ctime_ns = 61, .sha256 = {1}};
static const struct filestate FILE_OTHER = {
        .type = FILE_REGULAR, .hash = HASH_DONE, .inode = 2, .ctime_ns = 50, .sha256 = {1}};
static const struct filestate DIR_A = {.type = FILE_DIRECTORY, .inode = 7, .size = 1};
static const struct filestate DIR_FULLER = {.type = FILE_DIRECTORY, .inode = 7, .size = 2};
static const struct filestate DIR_OTHER = {.type = FILE_DIRECTORY, .inode = 8, .size = 1};

/* One row a line of the table in journal.h. */
static const struct {
	const char *name;
	const struct filestate *before, *after;
	unsigned hints;
	uint32_t lives;
	enum event_cause cause;
	bool is_baselined;
	unsigned count;
	enum event_action action; /* of the last event */
	enum event_cause told_cause;
	enum decided baseline;
	bool loses_below, is_new_directory;
} ROWS[] = {
        {"first sight", NULL, &FILE_A, TOUCH_DONE, 0, CAUSE_BASELINE, false, 1, ACTION_CREATED,
                CAUSE_BASELINE, BASELINE_PUT, false, false},
        {"first sight by a live touch", NULL, &FILE_A, TOUCH_DONE, 0, CAUSE_LIVE, false, 1,
                ACTION_CREATED, CAUSE_BASELINE, BASELINE_PUT, false, false},
        {"born during the first scan", NULL, &FILE_A, TOUCH_CREATED, 1, CAUSE_LIVE, false, 1,
                ACTION_CREATED, CAUSE_LIVE, BASELINE_PUT, false, false},
        {"born offline", NULL, &FILE_A, TOUCH_DONE, 0, CAUSE_OFFLINE, true, 1, ACTION_CREATED,
                CAUSE_OFFLINE, BASELINE_PUT, false, false},
        {"several lives, the last one there", NULL, &FILE_A, TOUCH_CREATED, 3, CAUSE_LIVE, true, 2,
                ACTION_CREATED, CAUSE_LIVE, BASELINE_PUT, false, false},
        {"a life that nobody saw", NULL, NULL, TOUCH_CREATED, 1, CAUSE_LIVE, true, 1,
                ACTION_TRANSIENT, CAUSE_LIVE, BASELINE_STAYS, false, false},
        {"nothing was, nothing is", NULL, NULL, TOUCH_GONE, 0, CAUSE_LIVE, true, 0, 0, 0,
                BASELINE_STAYS, false, false},
        {"new directory", NULL, &DIR_A, TOUCH_CREATED, 1, CAUSE_LIVE, true, 1, ACTION_CREATED,
                CAUSE_LIVE, BASELINE_PUT, false, true},
        {"same", &FILE_A, &FILE_A, TOUCH_DONE, 0, CAUSE_LIVE, true, 0, 0, 0, BASELINE_STAYS, false,
                false},
        {"another content", &FILE_A, &FILE_B, TOUCH_DONE, 0, CAUSE_LIVE, true, 1, ACTION_MODIFIED,
                CAUSE_LIVE, BASELINE_PUT, false, false},
        {"another mode", &FILE_A, &FILE_CHMOD, TOUCH_DONE, 0, CAUSE_RESCAN, true, 1,
                ACTION_ATTRIBUTES, CAUSE_RESCAN, BASELINE_PUT, false, false},
        {"ctime alone", &FILE_A, &FILE_CTIME, TOUCH_DONE, 0, CAUSE_LIVE, true, 0, 0, 0,
                BASELINE_PUT, false, false},
        {"replaced by an equal file", &FILE_A, &FILE_OTHER, TOUCH_DONE, 0, CAUSE_LIVE, true, 1,
                ACTION_ATTRIBUTES, CAUSE_LIVE, BASELINE_PUT, false, false},
        {"a directory's entries", &DIR_A, &DIR_FULLER, TOUCH_DONE, 0, CAUSE_LIVE, true, 0, 0, 0,
                BASELINE_PUT, false, false},
        {"another directory", &DIR_A, &DIR_OTHER, TOUCH_DONE, 0, CAUSE_LIVE, true, 1,
                ACTION_ATTRIBUTES, CAUSE_LIVE, BASELINE_PUT, false, true},
        {"a directory became a file", &DIR_A, &FILE_A, TOUCH_DONE, 0, CAUSE_LIVE, true, 1,
                ACTION_MODIFIED, CAUSE_LIVE, BASELINE_PUT, true, false},
        {"a file became a directory", &FILE_A, &DIR_A, TOUCH_DONE, 0, CAUSE_LIVE, true, 1,
                ACTION_MODIFIED, CAUSE_LIVE, BASELINE_PUT, false, true},
        {"gone", &FILE_A, NULL, TOUCH_GONE, 0, CAUSE_LIVE, true, 1, ACTION_DELETED, CAUSE_LIVE,
                BASELINE_REMOVE, false, false},
        {"gone, with lives in between", &FILE_A, NULL, TOUCH_CREATED | TOUCH_GONE, 3, CAUSE_LIVE,
                true, 2, ACTION_TRANSIENT, CAUSE_LIVE, BASELINE_REMOVE, false, false},
        {"another, with lives in between", &FILE_A, &FILE_B, TOUCH_CREATED, 3, CAUSE_LIVE, true, 2,
                ACTION_MODIFIED, CAUSE_LIVE, BASELINE_PUT, false, false},
        {"made anew once", &FILE_A, &FILE_B, TOUCH_CREATED, 1, CAUSE_LIVE, true, 1, ACTION_MODIFIED,
                CAUSE_LIVE, BASELINE_PUT, false, false},
        {"a directory gone", &DIR_A, NULL, TOUCH_GONE, 0, CAUSE_OFFLINE, true, 1, ACTION_DELETED,
                CAUSE_OFFLINE, BASELINE_REMOVE, true, false},
        {"changed since an interrupted first scan", &FILE_A, &FILE_B, TOUCH_DONE, 0, CAUSE_BASELINE,
                false, 1, ACTION_MODIFIED, CAUSE_OFFLINE, BASELINE_PUT, false, false},
        {"gone since an interrupted first scan", &FILE_A, NULL, TOUCH_DONE, 0, CAUSE_BASELINE,
                false, 1, ACTION_DELETED, CAUSE_OFFLINE, BASELINE_REMOVE, false, false},
};

static void test_each_row_of_the_table_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct decision decision;
		struct finding finding = {.path = slice_text("/p"),
		        .before = ROWS[i].before,
		        .after = ROWS[i].after,
		        .hints = ROWS[i].hints,
		        .lives = ROWS[i].lives,
		        .cause = ROWS[i].cause,
		        .is_baselined = ROWS[i].is_baselined,
		        .time_ns = 99};
		decide_path(&finding, &decision);
		print_message("%s\n", ROWS[i].name);
		assert_int_equal(decision.count, ROWS[i].count);
		assert_int_equal(decision.baseline, ROWS[i].baseline);
		assert_int_equal(decision.loses_below, ROWS[i].loses_below);
		assert_int_equal(decision.is_new_directory, ROWS[i].is_new_directory);
		if (decision.count == 0)
			continue;
		const struct event *event = &decision.event[decision.count - 1];
		assert_int_equal(event->action, ROWS[i].action);
		assert_int_equal(event->cause, ROWS[i].told_cause);
		assert_int_equal(event->time_ns, 99);
		struct reason why;
		for (size_t at = 0; at < decision.count; at++) {
			if (event_check(&decision.event[at], &why) < 0)
				fail_msg("%s", why.text);
		}
	}
}

static void test_lives_before_the_last_come_first(void **state)
{
	(void)state;
	struct decision decision;
	struct finding finding = {.path = slice_text("/p"),
	        .after = &FILE_A,
	        .hints = TOUCH_CREATED,
	        .lives = 3,
	        .cause = CAUSE_LIVE,
	        .is_baselined = true};
	decide_path(&finding, &decision);
	assert_int_equal(decision.event[0].action, ACTION_TRANSIENT);
	assert_int_equal(decision.event[0].count, 2);
}

static void test_a_fresh_state_is_told_as_it_is_but_kept_so_that_it_does_not_stand(void **state)
{
	(void)state;
	struct decision decision;
	struct finding finding = {.path = slice_text("/p"),
	        .before = &FILE_A,
	        .after = &FILE_B,
	        .is_fresh = true,
	        .cause = CAUSE_LIVE};
	decide_path(&finding, &decision);
	assert_int_equal(decision.event[0].after->ctime_ns, FILE_B.ctime_ns);
	assert_false(filestate_stands(&decision.state, &FILE_B));
	assert_int_equal(filestate_diff(&decision.state, &FILE_B), 0);
}

/* --- moves ----------------------------------------------------------------------------------- */

static bool is_move(const struct filestate *old_before, const struct filestate *old_after,
        const struct filestate *new_before, const struct filestate *new_after)
{
	struct finding old = {.before = old_before, .after = old_after};
	struct finding new = {.before = new_before, .after = new_after};
	return decide_is_move(&old, &new);
}

static void test_a_move_is_verified_by_inode(void **state)
{
	(void)state;
	assert_true(is_move(&FILE_A, NULL, NULL, &FILE_A));
	assert_true(is_move(&FILE_A, NULL, NULL, &FILE_B));
	assert_true(is_move(&FILE_A, &FILE_OTHER, NULL, &FILE_A)); /* made anew at the old path */
	assert_true(is_move(&DIR_A, NULL, NULL, &DIR_FULLER));
	assert_false(is_move(&FILE_A, NULL, NULL, &FILE_OTHER));
	assert_false(is_move(&FILE_A, NULL, &FILE_OTHER, &FILE_A)); /* over a known file */
	assert_false(is_move(NULL, NULL, NULL, &FILE_A));
	assert_false(is_move(&FILE_A, NULL, NULL, NULL));
	assert_false(is_move(&FILE_A, &FILE_A, NULL, &FILE_A)); /* both are links to it */
}

static void test_a_move_tells_where_from_and_what_else_changed(void **state)
{
	(void)state;
	struct decision decision;
	struct finding old = {.path = slice_text("/old"), .before = &FILE_A};
	struct finding new = {
	        .path = slice_text("/new"), .after = &FILE_CHMOD, .cause = CAUSE_LIVE};
	decide_move(&old, &new, &decision);
	assert_int_equal(decision.count, 1);
	assert_int_equal(decision.event[0].action, ACTION_MOVED);
	assert_true(slice_is(decision.event[0].old_path, "/old"));
	assert_ptr_equal(decision.event[0].before, &FILE_A);
	assert_int_equal(decision.event[0].changed, CHANGED_MODE);
	assert_int_equal(decision.baseline, BASELINE_PUT);
}

static void test_only_what_was_seen_live_has_an_actor(void **state)
{
	(void)state;
	static const struct actor VIM = {.pid = 7};
	const enum event_cause CAUSES[] = {CAUSE_LIVE, CAUSE_OFFLINE, CAUSE_RESCAN, CAUSE_AUDIT};
	for (size_t i = 0; i < sizeof(CAUSES) / sizeof(CAUSES[0]); i++) {
		struct decision decision;
		struct finding finding = {.path = slice_text("/a"),
		        .before = &FILE_A,
		        .after = &FILE_B,
		        .cause = CAUSES[i],
		        .actor = &VIM,
		        .actor_gap = ACTOR_MANY};
		bool is_live = CAUSES[i] == CAUSE_LIVE;
		decide_path(&finding, &decision);
		assert_ptr_equal(decision.event[0].actor, is_live ? &VIM : NULL);
		assert_int_equal(decision.event[0].actor_gap, is_live ? ACTOR_MANY : ACTOR_UNSEEN);
		struct event lost = decide_lost(&finding, slice_text("/a/b"), &FILE_A);
		assert_ptr_equal(lost.actor, is_live ? &VIM : NULL);
		assert_int_equal(lost.actor_gap, is_live ? ACTOR_MANY : ACTOR_UNSEEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_each_row_of_the_table_holds),
	        cmocka_unit_test(test_lives_before_the_last_come_first),
	        cmocka_unit_test(
	                test_a_fresh_state_is_told_as_it_is_but_kept_so_that_it_does_not_stand),
	        cmocka_unit_test(test_a_move_is_verified_by_inode),
	        cmocka_unit_test(test_a_move_tells_where_from_and_what_else_changed),
	        cmocka_unit_test(test_only_what_was_seen_live_has_an_actor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
