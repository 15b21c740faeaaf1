#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <unistd.h>

#include "agent/watch/lull.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define FOR_EVER_MS 1000000
#define LOOK_MS     50

/* A queue that always has something, and a lull for whoever reads it. */
struct scene {
	struct loop *loop;
	int ends[2];
	struct fd_watch *readable;
	struct lull *lull;
	struct timer *look;
	size_t bytes; /* what each reading claims to have found */
	unsigned readings, enough, last_look;
};

static void on_readable(void *ctx)
{
	struct scene *scene = ctx;
	scene->readings++;
	if (scene->enough && scene->readings >= scene->enough)
		loop_stop(scene->loop);
	lull_drained(scene->lull, scene->bytes);
}

/* Ends the loop once nothing has been read from one look to the next. */
static void on_look(void *ctx)
{
	struct scene *scene = ctx;
	if (scene->readings == scene->last_look)
		loop_stop(scene->loop);
	scene->last_look = scene->readings;
}

static void begin(struct scene *scene, size_t bytes, uint64_t rest_ms)
{
	*scene = (struct scene){.loop = loop_new(), .bytes = bytes};
	assert_int_equal(pipe2(scene->ends, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(write(scene->ends[1], "x", 1), 1);
	scene->readable = fd_watch_new(scene->loop, scene->ends[0], on_readable, scene);
	scene->lull = lull_new(scene->loop, scene->readable, rest_ms);
	scene->look = timer_new(scene->loop, on_look, scene);
}

static void end(struct scene *scene)
{
	timer_free(scene->look);
	lull_free(scene->lull);
	fd_watch_free(scene->readable);
	loop_free(scene->loop);
	close(scene->ends[0]);
	close(scene->ends[1]);
}

static void run_until_quiet(struct scene *scene)
{
	timer_start(scene->look, LOOK_MS, LOOK_MS);
	loop_run(scene->loop);
}

static void test_much_at_once_is_followed_by_a_rest(void **state)
{
	struct scene scene;
	(void)state;
	begin(&scene, 4096, FOR_EVER_MS);
	run_until_quiet(&scene);
	assert_int_equal(scene.readings, 1);
	end(&scene);
}

static void test_many_readings_are_followed_by_a_rest(void **state)
{
	struct scene scene;
	(void)state;
	begin(&scene, 16, FOR_EVER_MS);
	run_until_quiet(&scene);
	assert_true(scene.readings >= 16);
	end(&scene);
}

static void test_few_readings_are_not(void **state)
{
	struct scene scene;
	(void)state;
	begin(&scene, 16, FOR_EVER_MS);
	scene.enough = 15;
	loop_run(scene.loop);
	assert_int_equal(scene.readings, 15);
	end(&scene);
}

static void test_readings_that_find_nothing_do_not_count(void **state)
{
	struct scene scene;
	(void)state;
	begin(&scene, 0, FOR_EVER_MS);
	scene.enough = 100;
	loop_run(scene.loop);
	assert_int_equal(scene.readings, 100);
	end(&scene);
}

static void test_a_rest_ends(void **state)
{
	struct scene scene;
	(void)state;
	begin(&scene, 4096, 1);
	scene.enough = 5;
	loop_run(scene.loop);
	assert_int_equal(scene.readings, 5);
	end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_much_at_once_is_followed_by_a_rest),
	        cmocka_unit_test(test_many_readings_are_followed_by_a_rest),
	        cmocka_unit_test(test_few_readings_are_not),
	        cmocka_unit_test(test_readings_that_find_nothing_do_not_count),
	        cmocka_unit_test(test_a_rest_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
