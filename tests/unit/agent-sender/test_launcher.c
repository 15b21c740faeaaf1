#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/sender/launcher.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

static struct launcher *launcher;
static struct reason why;

/* What the launcher executes is this very program: the sending half is its main with "send". */
static int be_sender(void)
{
	char byte;
	while (read(LAUNCHER_SEAM_FD, &byte, 1) == 1) {
		if (byte == 'x')
			return 7;
		if (write(LAUNCHER_SEAM_FD, &byte, 1) != 1)
			return 1;
	}
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return launcher_start("word", NULL, &launcher, &why);
}

static int tear_down(void **state)
{
	(void)state;
	launcher_stop(launcher);
	launcher = NULL;
	return 0;
}

static struct launcher_news hear(void)
{
	struct launcher_news news;
	struct pollfd wait = {.fd = launcher_fd(launcher), .events = POLLIN};
	assert_int_equal(poll(&wait, 1, 20000), 1);
	assert_int_equal(launcher_hear(launcher, &news), 1);
	return news;
}

/* This side's end of its channel. */
static int launch(void)
{
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(launcher_launch(launcher, ends[1]), 0);
	return ends[0];
}

/* It has come to its main: from then on it dies with the launcher. */
static void await_answer(int fd)
{
	char byte = 'a';
	assert_int_equal(write(fd, &byte, 1), 1);
	byte = 0;
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, 'a');
}

static void test_it_is_started_with_its_end_of_the_channel(void **state)
{
	int fd = launch();
	struct launcher_news news = hear();
	(void)state;
	assert_false(news.is_ended);
	assert_true(news.pid > 0);
	await_answer(fd);
	close(fd);
	news = hear();
	assert_true(news.is_ended);
	assert_true(WIFEXITED(news.status) && WEXITSTATUS(news.status) == 0);
}

static void test_how_it_ended_is_told(void **state)
{
	int fd = launch();
	struct launcher_news started = hear();
	(void)state;
	assert_int_equal(write(fd, "x", 1), 1);
	struct launcher_news ended = hear();
	assert_int_equal(ended.pid, started.pid);
	assert_int_equal(WEXITSTATUS(ended.status), 7);
	close(fd);
	fd = launch();
	hear();
	launcher_kill(launcher);
	ended = hear();
	assert_true(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGKILL);
	close(fd);
}

static void test_the_next_one_ends_the_one_before(void **state)
{
	int first = launch();
	struct launcher_news one = hear();
	(void)state;
	int second = launch();
	struct launcher_news end = hear();
	struct launcher_news two = hear();
	assert_true(end.is_ended);
	assert_int_equal(end.pid, one.pid);
	assert_false(two.is_ended);
	assert_int_not_equal(two.pid, one.pid);
	close(first);
	close(second);
}

static void test_nothing_is_heard_before_there_is_anything(void **state)
{
	struct launcher_news news;
	(void)state;
	assert_int_equal(launcher_hear(launcher, &news), 0);
}

static void test_stopping_takes_a_stopped_one_along(void **state)
{
	int fd = launch();
	struct launcher_news news = hear();
	(void)state;
	/* Orphans become this process's children: so their end can be seen. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	await_answer(fd);
	assert_int_equal(kill(news.pid, SIGSTOP), 0);
	launcher_stop(launcher);
	launcher = NULL;
	close(fd);
	int status;
	assert_int_equal(waitpid(news.pid, &status, 0), news.pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], LAUNCHER_COMMAND) == 0)
		return be_sender();
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_it_is_started_with_its_end_of_the_channel),
	        TEST(test_how_it_ended_is_told),
	        TEST(test_the_next_one_ends_the_one_before),
	        TEST(test_nothing_is_heard_before_there_is_anything),
	        TEST(test_stopping_takes_a_stopped_one_along),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
