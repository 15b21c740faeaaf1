#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "common/io/loop.h"

struct scene {
	struct loop *loop;
	struct timer *timer;
	struct waker *waker;
	struct fd_watch *watch;
	struct signal_watch *signals;
	struct signal_origin origin;
	int fd;
	unsigned calls;
	unsigned stop_at;
	int seen;
	pthread_t thread;
};

static void count(void *ctx)
{
	struct scene *scene = ctx;

	if (++scene->calls == scene->stop_at)
		loop_stop(scene->loop);
}

static void test_timer_repeats_until_the_loop_is_stopped(void **state)
{
	struct scene scene = {.loop = loop_new(), .stop_at = 3};

	(void)state;
	scene.timer = timer_new(scene.loop, count, &scene);
	assert_false(timer_is_active(scene.timer));
	timer_start(scene.timer, 0, 1);
	assert_true(timer_is_active(scene.timer));
	loop_run(scene.loop);
	assert_int_equal(scene.calls, 3);
	timer_stop(scene.timer);
	assert_false(timer_is_active(scene.timer));
	timer_free(scene.timer);
	loop_free(scene.loop);
}

static void free_timer_inside(void *ctx)
{
	struct scene *scene = ctx;

	scene->calls++;
	timer_free(scene->timer);
}

static void test_timer_may_be_freed_inside_its_callback(void **state)
{
	struct scene scene = {.loop = loop_new()};

	(void)state;
	scene.timer = timer_new(scene.loop, free_timer_inside, &scene);
	timer_start(scene.timer, 0, 1);
	loop_run(scene.loop);
	assert_int_equal(scene.calls, 1);
	loop_free(scene.loop);
}

static void *wake_many_times(void *ctx)
{
	struct scene *scene = ctx;

	for (int i = 0; i < 1000; i++)
		waker_wake(scene->waker);
	return NULL;
}

static void test_wake_from_another_thread_reaches_the_loop(void **state)
{
	struct scene scene = {.loop = loop_new(), .stop_at = 1};

	(void)state;
	scene.waker = waker_new(scene.loop, count, &scene);
	assert_int_equal(pthread_create(&scene.thread, NULL, wake_many_times, &scene), 0);
	loop_run(scene.loop);
	pthread_join(scene.thread, NULL);
	assert_in_range(scene.calls, 1, 1000);
	waker_free(scene.waker);
	loop_free(scene.loop);
}

static void read_one(void *ctx)
{
	struct scene *scene = ctx;
	char byte;

	scene->seen += read(scene->fd, &byte, 1) == 1;
	count(scene);
}

static void test_watch_calls_for_each_byte_until_it_is_paused(void **state)
{
	struct scene scene = {.loop = loop_new(), .stop_at = 2};
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	scene.fd = ends[0];
	scene.watch = fd_watch_new(scene.loop, ends[0], read_one, &scene);
	scene.timer = timer_new(scene.loop, count, &scene);
	assert_int_equal(write(ends[1], "xyz", 3), 3);
	loop_run(scene.loop);
	assert_int_equal(scene.seen, 2);

	fd_watch_pause(scene.watch);
	scene.stop_at = 3;
	timer_start(scene.timer, 5, 0);
	loop_run(scene.loop);
	assert_int_equal(scene.seen, 2);

	fd_watch_resume(scene.watch);
	scene.stop_at = 4;
	loop_run(scene.loop);
	assert_int_equal(scene.seen, 3);
	timer_free(scene.timer);
	fd_watch_free(scene.watch);
	loop_free(scene.loop);
	close(ends[0]);
	close(ends[1]);
}

static void note_signal(void *ctx, const struct signal_origin *origin)
{
	struct scene *scene = ctx;

	scene->seen = origin->signum;
	scene->origin = *origin;
	signal_watch_free(scene->signals);
	loop_stop(scene->loop);
}

static void test_signal_is_told_on_the_loop(void **state)
{
	struct scene scene = {.loop = loop_new()};

	(void)state;
	scene.signals = signal_watch_new(scene.loop, SIGUSR1, note_signal, &scene);
	kill(getpid(), SIGUSR1);
	loop_run(scene.loop);
	assert_int_equal(scene.seen, SIGUSR1);
	assert_int_equal(scene.origin.pid, getpid());
	assert_int_equal(scene.origin.uid, getuid());
	loop_free(scene.loop);
}

static void note_thread(void *ctx)
{
	struct scene *scene = ctx;

	scene->thread = pthread_self();
}

static void test_work_runs_on_another_thread_and_is_done_on_the_loops(void **state)
{
	struct scene scene = {.loop = loop_new(), .stop_at = 1};

	(void)state;
	loop_set_workers(2);
	loop_work(scene.loop, note_thread, count, &scene);
	loop_run(scene.loop);
	assert_int_equal(scene.calls, 1);
	assert_false(pthread_equal(scene.thread, pthread_self()));
	loop_free(scene.loop);
}

static void test_free_functions_accept_null(void **state)
{
	(void)state;
	timer_free(NULL);
	waker_free(NULL);
	fd_watch_free(NULL);
	signal_watch_free(NULL);
	loop_free(NULL);
}

static void test_write_to_a_closed_pipe_is_an_error_and_not_the_end(void **state)
{
	struct loop *loop = loop_new();
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(write(ends[1], "x", 1), -1);
	close(ends[1]);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_timer_repeats_until_the_loop_is_stopped),
	        cmocka_unit_test(test_timer_may_be_freed_inside_its_callback),
	        cmocka_unit_test(test_wake_from_another_thread_reaches_the_loop),
	        cmocka_unit_test(test_watch_calls_for_each_byte_until_it_is_paused),
	        cmocka_unit_test(test_signal_is_told_on_the_loop),
	        cmocka_unit_test(test_work_runs_on_another_thread_and_is_done_on_the_loops),
	        cmocka_unit_test(test_free_functions_accept_null),
	        cmocka_unit_test(test_write_to_a_closed_pipe_is_an_error_and_not_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
