#include "agent/fim/hands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define S 1000000000LL

static struct witness *witness_of(uint32_t pid, int64_t started_ns, const char *exe)
{
	struct actor actor = {.pid = pid, .started_ns = started_ns, .exe = slice_text(exe)};
	return witness_new(&actor, exe ? ACTOR_KNOWN : ACTOR_ENDED);
}

static void test_nobody_known_is_unseen_unless_the_source_names_none(void **state)
{
	(void)state;
	struct hands hands = {0};
	assert_int_equal(hands_gap(&hands), ACTOR_UNSEEN);
	hands_add(&hands, NULL, ACTOR_KNOWN);
	assert_int_equal(hands_gap(&hands), ACTOR_UNSEEN);
	hands_add(&hands, NULL, ACTOR_SOURCE);
	hands_add(&hands, NULL, ACTOR_UNSEEN);
	assert_null(hands.by);
	assert_int_equal(hands_gap(&hands), ACTOR_SOURCE);
}

static void test_a_known_process_outweighs_all_that_name_none(void **state)
{
	(void)state;
	struct hands hands = {0};
	struct witness *vim = witness_of(7, 5 * S, "/usr/bin/vim");
	hands_add(&hands, NULL, ACTOR_SOURCE);
	hands_add(&hands, vim, ACTOR_KNOWN);
	hands_add(&hands, NULL, ACTOR_UNSEEN);
	assert_ptr_equal(hands.by, vim);
	assert_int_equal(hands_gap(&hands), ACTOR_KNOWN);
	hands_fini(&hands);
	witness_drop(vim);
}

static void test_of_several_processes_the_last_is_told(void **state)
{
	(void)state;
	struct hands hands = {0};
	struct witness *vim = witness_of(7, 5 * S, "/usr/bin/vim");
	struct witness *sed = witness_of(8, 6 * S, "/usr/bin/sed");
	hands_add(&hands, vim, ACTOR_KNOWN);
	hands_add(&hands, sed, ACTOR_KNOWN);
	hands_add(&hands, sed, ACTOR_KNOWN);
	assert_ptr_equal(hands.by, sed);
	assert_int_equal(hands_gap(&hands), ACTOR_MANY);
	hands_fini(&hands);
	witness_drop(vim);
	witness_drop(sed);
}

static void test_a_process_that_runs_another_program_is_one_hand(void **state)
{
	(void)state;
	struct hands hands = {0};
	struct witness *sh = witness_of(7, 5 * S, "/usr/bin/dash");
	struct witness *sed = witness_of(7, 5 * S + 9999999, "/usr/bin/sed");
	hands_add(&hands, sh, ACTOR_KNOWN);
	hands_add(&hands, sed, ACTOR_KNOWN);
	assert_ptr_equal(hands.by, sed);
	assert_int_equal(hands_gap(&hands), ACTOR_KNOWN);
	hands_fini(&hands);
	witness_drop(sh);
	witness_drop(sed);
}

static void test_a_number_used_again_is_another_process(void **state)
{
	(void)state;
	struct hands hands = {0};
	struct witness *first = witness_of(7, 5 * S, "/usr/bin/sed");
	struct witness *second = witness_of(7, 90 * S, "/usr/bin/sed");
	hands_add(&hands, first, ACTOR_KNOWN);
	hands_add(&hands, second, ACTOR_KNOWN);
	assert_int_equal(hands_gap(&hands), ACTOR_MANY);
	hands_fini(&hands);
	witness_drop(first);
	witness_drop(second);
}

static void test_a_pid_alone_does_not_hide_what_was_known_of_it(void **state)
{
	(void)state;
	struct hands hands = {0};
	struct witness *sed = witness_of(7, 5 * S, "/usr/bin/sed");
	struct witness *bare = witness_of(7, 0, NULL);
	hands_add(&hands, sed, ACTOR_KNOWN);
	hands_add(&hands, bare, ACTOR_KNOWN);
	assert_ptr_equal(hands.by, sed);
	assert_int_equal(hands_gap(&hands), ACTOR_KNOWN);
	hands_fini(&hands);
	hands_add(&hands, bare, ACTOR_KNOWN);
	assert_int_equal(hands_gap(&hands), ACTOR_ENDED);
	hands_fini(&hands);
	witness_drop(sed);
	witness_drop(bare);
}

static void test_what_came_before_does_not_become_the_last(void **state)
{
	(void)state;
	struct witness *vim = witness_of(7, 5 * S, "/usr/bin/vim");
	struct witness *sed = witness_of(8, 6 * S, "/usr/bin/sed");
	struct hands hands = {0}, earlier = {.by = vim, .gap = ACTOR_KNOWN};
	hands_add_before(&hands, &earlier);
	assert_ptr_equal(hands.by, vim);
	hands_add(&hands, sed, ACTOR_KNOWN);
	hands_add_before(&hands, &earlier);
	assert_ptr_equal(hands.by, sed);
	assert_int_equal(hands_gap(&hands), ACTOR_MANY);
	hands_fini(&hands);
	assert_int_equal(vim->references, 1);
	assert_int_equal(sed->references, 1);
	witness_drop(vim);
	witness_drop(sed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nobody_known_is_unseen_unless_the_source_names_none),
	        cmocka_unit_test(test_a_known_process_outweighs_all_that_name_none),
	        cmocka_unit_test(test_of_several_processes_the_last_is_told),
	        cmocka_unit_test(test_a_process_that_runs_another_program_is_one_hand),
	        cmocka_unit_test(test_a_number_used_again_is_another_process),
	        cmocka_unit_test(test_a_pid_alone_does_not_hide_what_was_known_of_it),
	        cmocka_unit_test(test_what_came_before_does_not_become_the_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
