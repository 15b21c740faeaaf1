#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/life.h"
#include "common/base/clock.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define VERSION "(version " TSUJIBAN_VERSION ")"

static char dir[32];
static struct state *store;
static struct buf out;
static struct reason why;

static void open_store(void)
{
	struct state_limits limits = {.spool_bytes = 1u << 20, .map_bytes = 64u << 20};
	assert_int_equal(state_open(dir, &limits, &store, &why), 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/tsujiban-life-XXXXXX");
	assert_non_null(mkdtemp(dir));
	open_store();
	return 0;
}

static int tear_down(void **state)
{
	char command[64];
	(void)state;
	state_close(store);
	buf_fini(&out);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* What a run that begins says; its mark stands from then on. */
static const char *begin(const char *boot_id)
{
	struct state_txn *txn;
	buf_reset(&out);
	life_describe_start(store, slice_text(boot_id), &out);
	assert_int_equal(state_begin(store, &txn, &why), 0);
	assert_int_equal(state_meta_put(txn, LIFE_MARK, slice_text(boot_id)), 0);
	assert_int_equal(state_commit(txn, &why), 0);
	return buf_text(&out);
}

static bool is_said(const char *boot_id, const char *sentence)
{
	return slice_starts_with(slice_text(begin(boot_id)), slice_text(sentence));
}

/* As after a kill -9: nothing but what was committed. */
static void reopen(void)
{
	state_close(store);
	open_store();
}

static void test_the_first_run_says_so(void **state)
{
	(void)state;
	assert_string_equal(begin("a"), "started for the first time on this state " VERSION);
}

static void test_after_an_end_in_order_there_is_nothing_to_say(void **state)
{
	(void)state;
	begin("a");
	assert_int_equal(life_end(store, &why), 0);
	assert_int_equal(life_end(store, &why), 0);
	reopen();
	assert_string_equal(begin("a"), "started " VERSION);
}

static void test_a_run_that_was_killed_is_told_by_the_next(void **state)
{
	int64_t before_ns = clock_wall_ns(), told_ns;
	(void)state;
	begin("a");
	reopen();
	assert_true(is_said("a", "started " VERSION "; the run before did not end in order: it was "
	                         "killed, or it crashed, and had last written at "));
	assert_true(clock_parse(slice_text(strrchr(buf_text(&out), ' ') + 1), &told_ns));
	/* The file system's clock ticks more slowly than ours. */
	assert_true(told_ns > before_ns - NS_PER_S && told_ns < clock_wall_ns() + NS_PER_S);
}

static void test_another_boot_is_another_reason(void **state)
{
	(void)state;
	begin("a");
	reopen();
	assert_true(is_said("b", "started " VERSION "; the run before did not end in order: its "
	                         "host went down, or the agent did before that"));
}

static void assert_stop(int signum, int pid, unsigned uid, const char *expected)
{
	struct signal_origin origin = {.signum = signum, .pid = pid, .uid = uid};
	buf_reset(&out);
	life_describe_stop(&origin, &out);
	assert_string_equal(buf_text(&out), expected);
}

static void test_who_sent_the_signal_has_its_words(void **state)
{
	(void)state;
	assert_stop(SIGTERM, 1, 0,
	        "stopped by SIGTERM from pid 1, the service manager: its journal says who asked "
	        "for it");
	assert_stop(SIGTERM, 77, 1000, "stopped by SIGTERM from pid 77 with uid 1000");
	assert_stop(SIGINT, 0, 0,
	        "stopped by SIGINT from the kernel (a terminal), or from outside its pid "
	        "namespace");
	assert_stop(40, 7, 0, "stopped by signal 40 from pid 7 with uid 0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_the_first_run_says_so),
	        TEST(test_after_an_end_in_order_there_is_nothing_to_say),
	        TEST(test_a_run_that_was_killed_is_told_by_the_next),
	        TEST(test_another_boot_is_another_reason),
	        TEST(test_who_sent_the_signal_has_its_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
