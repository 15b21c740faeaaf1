/* Real processes of this machine; what needs the proc connector is left out where the kernel or the
 * privileges do not allow it. */
#include "agent/who/who.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct loop *loop;
static struct who *who;
static char own_exe[512];

static int begin(void **state)
{
	(void)state;
	ssize_t len = readlink("/proc/self/exe", own_exe, sizeof(own_exe) - 1);
	if (len < 0)
		return -1;
	own_exe[len] = '\0';
	loop = loop_new();
	who = who_new(loop);
	return 0;
}

static int end(void **state)
{
	(void)state;
	who_free(who);
	loop_free(loop);
	return 0;
}

static void need_connector(void)
{
	who_start(who);
	if (strcmp(who_source_name(who), "proc connector") != 0) {
		print_message("skipped: %s\n", who_source_name(who));
		skip();
	}
}

/* A child that ends at once; with `program` it says a word to `ready` and waits for one of `go`. */
static pid_t child_of(const char *program, int ready, int go)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (program && dup2(go, STDIN_FILENO) >= 0 && dup2(ready, STDOUT_FILENO) >= 0)
			execl(program, program, "-c", "echo; read line", (char *)NULL);
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void wait_for(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_this_process_is_known(void **state)
{
	(void)state;
	struct witness *witness = who_of(who, getpid(), -1);
	assert_int_equal(witness->gap, ACTOR_KNOWN);
	assert_true(slice_is(witness->actor.exe, own_exe));
	assert_int_equal(witness->actor.uid, geteuid());
	assert_int_equal(witness->actor.gid, getegid());
	assert_true(witness->actor.cmdline.len > 0);
	assert_true(witness->actor.started_ns > 0);
	assert_true(witness->actor.parent_count > 0 || getppid() == 0);
	assert_ptr_equal(who_of(who, getpid(), -1), witness);
}

static void test_what_is_no_process_of_ours_is_nobody(void **state)
{
	(void)state;
	assert_null(who_of(who, 0, -1));
	assert_null(who_of(who, -3, -1));
}

static void test_a_child_that_ended_at_once_is_known_by_its_birth(void **state)
{
	(void)state;
	need_connector();
	pid_t pid = child_of(NULL, -1, -1);
	wait_for(pid);
	struct witness *witness = who_of(who, pid, -1);
	assert_int_equal(witness->gap, ACTOR_KNOWN);
	assert_int_equal(witness->actor.pid, pid);
	assert_true(slice_is(witness->actor.exe, own_exe));
	assert_true(slice_is(witness->actor.parent[0], own_exe));
}

static void test_a_program_that_was_seen_is_known_when_it_is_gone(void **state)
{
	(void)state;
	int ready[2], go[2];
	char byte;
	need_connector();
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid_t pid = child_of("/bin/sh", ready[1], go[0]);
	close(ready[1]); /* so that the end of the child would be noticed */
	close(go[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1); /* it runs the shell now */
	who_of(who, getpid(), -1);                     /* hears of it meanwhile */
	assert_int_equal(write(go[1], "\n", 1), 1);
	wait_for(pid);
	struct witness *witness = who_of(who, pid, -1);
	assert_int_equal(witness->gap, ACTOR_KNOWN);
	assert_false(slice_is(witness->actor.exe, own_exe));
	assert_true(slice_starts_with(witness->actor.cmdline, slice_text("/bin/sh -c echo")));
	close(ready[0]);
	close(go[1]);
}

static void test_a_number_of_somebody_else_by_now_is_not_told_as_him(void **state)
{
	(void)state;
	need_connector();
	pid_t pid = child_of(NULL, -1, -1);
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_true(pidfd >= 0);
	wait_for(pid);
	who_of(who, getpid(), -1);
	/* As if the child's number were ours. */
	struct witness *witness = who_of(who, getpid(), pidfd);
	assert_int_equal(witness->gap, ACTOR_ENDED);
	assert_null(witness->actor.exe.ptr);
	close(pidfd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(test_this_process_is_known),
	        TEST(test_what_is_no_process_of_ours_is_nobody),
	        TEST(test_a_child_that_ended_at_once_is_known_by_its_birth),
	        TEST(test_a_program_that_was_seen_is_known_when_it_is_gone),
	        TEST(test_a_number_of_somebody_else_by_now_is_not_told_as_him),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
