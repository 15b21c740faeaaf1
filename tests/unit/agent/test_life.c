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

static const char *begin(const char *boot_id, int64_t last_written_ns)
{
	buf_reset(&out);
	assert_int_equal(life_begin(store, slice_text(boot_id), last_written_ns, &out, &why), 0);
	return buf_text(&out);
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
	assert_string_equal(begin("a", 0), "started for the first time on this state " VERSION "");
	assert_false(life_has_ended(store));
}

static void test_after_an_end_in_order_there_is_nothing_to_say(void **state)
{
	(void)state;
	begin("a", 0);
	assert_int_equal(life_end(store, &why), 0);
	assert_true(life_has_ended(store));
	assert_int_equal(life_end(store, &why), 0);
	reopen();
	assert_string_equal(begin("a", 1), "started " VERSION "");
}

static void test_a_run_that_was_killed_is_told_by_the_next(void **state)
{
	(void)state;
	begin("a", 0);
	reopen();
	assert_string_equal(begin("a", 1700000000 * NS_PER_S),
	        "started " VERSION "; the run before did not end in order: it was killed, or "
	        "it crashed, and had last written at 2023-11-14T22:13:20.000000Z");
	reopen(); /* that run too */
	assert_string_equal(begin("a", 0),
	        "started " VERSION "; the run before did not end in order: it was killed, or "
	        "it crashed");
}

static void test_another_boot_is_another_reason(void **state)
{
	(void)state;
	begin("a", 0);
	reopen();
	assert_string_equal(begin("b", 0),
	        "started " VERSION "; the run before did not end in order: its host went down, "
	        "or the agent did before that");
}

static void test_when_the_store_was_written_is_known_before_it_is_opened(void **state)
{
	(void)state;
	int64_t before_ns = clock_wall_ns();
	begin("a", 0);
	int64_t written_ns = life_last_written_ns(dir);
	assert_true(written_ns > before_ns - NS_PER_S && written_ns < before_ns + 60 * NS_PER_S);
	assert_int_equal(life_last_written_ns("/nowhere"), 0);
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
	        TEST(test_when_the_store_was_written_is_known_before_it_is_opened),
	        TEST(test_who_sent_the_signal_has_its_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
