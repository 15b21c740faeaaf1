#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

/* Runs `say` in a child whose standard error is a pipe and gives what it wrote. */
static void capture(void (*say)(void), bool is_journal, char *out, size_t size)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		struct stat st;
		char stream[64] = "1:1";
		fstat(STDERR_FILENO, &st);
		if (is_journal)
			snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
			        (uintmax_t)st.st_ino);
		setenv("JOURNAL_STREAM", stream, 1);
		say();
		_exit(0);
	}
	close(ends[1]);
	size_t len = 0;
	ssize_t got;
	while ((got = read(ends[0], out + len, size - 1 - len)) > 0)
		len += (size_t)got;
	out[len] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void say_lines(void)
{
	log_info("cannot open '%s'\nreally\r\n", "x");
	log_debug("not shown");
	log_set_level(LOG_LEVEL_WARN);
	log_info("not shown either");
	log_error("last");
}

static void test_a_line_has_time_level_and_no_line_break(void **state)
{
	(void)state;
	char out[1024];
	int64_t time_ns;
	capture(say_lines, false, out, sizeof(out));
	assert_true(clock_parse(slice_of(out, 24), &time_ns));
	assert_memory_equal(out + 24, " info  cannot open 'x' really  \n", 32);
	char *second = strchr(out, '\n') + 1;
	assert_string_equal(second + 24, " error last\n");
}

static void test_the_journal_gets_a_priority_and_no_time(void **state)
{
	(void)state;
	char out[1024];
	capture(say_lines, true, out, sizeof(out));
	assert_string_equal(out, "<6>cannot open 'x' really  \n<3>last\n");
}

static void say_much(void)
{
	errno = EDOM;
	log_warn("%8000s", "end");
	if (errno == EDOM)
		log_info("errno stands");
}

static void test_a_long_line_is_cut_and_errno_stands(void **state)
{
	(void)state;
	static char out[20000];
	capture(say_much, true, out, sizeof(out));
	char *end = strchr(out, '\n');
	assert_int_equal(end + 1 - out, 4096);
	assert_memory_equal(end - 3, "...", 3);
	assert_string_equal(end + 1, "<6>errno stands\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_line_has_time_level_and_no_line_break),
	        cmocka_unit_test(test_the_journal_gets_a_priority_and_no_time),
	        cmocka_unit_test(test_a_long_line_is_cut_and_errno_stands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
