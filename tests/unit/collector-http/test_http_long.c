#include "tests/unit/collector-http/http_scene.h"

/* --- long answers -------------------------------------------------------------------------- */

static void test_long_answer_arrives_whole_and_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct ask one = {.path = "/many", .token = "read"};
	unsigned number = 0;

	ask(fixture, &one, 1);
	assert_int_equal(one.result, CURLE_OK);
	assert_non_null(strstr((char *)one.head.data, "transfer-encoding: chunked"));
	assert_int_equal(fixture->finished, 1);
	char *line = strtok((char *)one.answer.data, "\n");
	assert_string_equal(line, "first");
	for (; (line = strtok(NULL, "\n")); number++)
		assert_int_equal(atoi(line + 5), number);
	assert_int_equal(number, MANY * 1000);
	ask_fini(&one);
}

static void test_large_body_has_its_length(void **state)
{
	struct ask two[] = {
	        {.path = "/large", .token = "read"}, {.path = "/echo", .token = "read"}};

	ask(*state, two, 2);
	assert_int_equal(two[0].answer.len, 1 << 20);
	assert_non_null(strstr((char *)two[0].head.data, "content-length: 1048576"));
	assert_int_equal(two[1].status, 200);
	ask_fini(&two[0]);
	ask_fini(&two[1]);
}

static void test_producer_ends_when_the_client_hangs_up(void **state)
{
	struct fixture *fixture = *state;
	struct ask one = {.path = "/endless", .token = "read", .stop_after = 1 << 20};

	ask(fixture, &one, 1);
	fixture->stops_when_finished = true;
	if (fixture->finished == 0)
		loop_run(fixture->rig.loop);
	assert_int_equal(fixture->finished, 1);
	assert_true(fixture->endless_bytes >= 1 << 20);
	ask_fini(&one);
}

static void test_stream_goes_on_with_each_wake(void **state)
{
	struct fixture *fixture = *state;
	struct ask one = {.path = "/stream", .token = "read", .stop_at = "id: 9\n"};

	ask(fixture, &one, 1);
	assert_non_null(strstr((char *)one.head.data, "text/event-stream"));
	for (int i = 0; i < 10; i++) {
		char id[32];
		snprintf(id, sizeof(id), "id: %d\ndata: {}\n\n", i);
		assert_true(i == 9 || ask_says(&one, id));
	}
	fixture->stops_when_finished = true;
	if (fixture->finished == 0)
		loop_run(fixture->rig.loop);
	assert_int_equal(fixture->finished, 1);
	ask_fini(&one);
}

static void test_answer_that_waits_may_still_fail(void **state)
{
	struct fixture *fixture = *state;
	struct ask one = {.path = "/late", .token = "read"};

	ask(fixture, &one, 1);
	assert_int_equal(one.status, 404);
	assert_string_equal((char *)one.answer.data, "{\"error\":\"no host 'x\\\"y'\"}\n");
	assert_int_equal(fixture->finished, 1);
	ask_fini(&one);
}

/* libwebsockets would spin on a client that is gone while nothing is written. */
static void test_stream_of_a_client_that_is_gone_costs_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct ask one = {.path = "/late", .token = "read", .stop_at = "never"};

	fixture->produced = 1;
	one.path = "/stream";
	one.stop_at = "id: 1\n";
	ask(fixture, &one, 1);
	timer_stop(fixture->wake);
	fixture->stops_when_finished = true;
	if (fixture->finished == 0)
		loop_run(fixture->rig.loop);
	assert_int_equal(fixture->finished, 1);
	ask_fini(&one);
}

static void test_close_ends_what_is_under_way(void **state)
{
	struct fixture *fixture = *state;
	struct rig *rig = &fixture->rig;
	struct ask one = {.path = "/stream", .token = "read"};
	struct errand errand = {
	        .rig = rig, .port = http_port(fixture->server), .asks = &one, .count = 1};
	pthread_t thread;

	errand.done = waker_new(rig->loop, stop_loop, rig->loop);
	assert_int_equal(pthread_create(&thread, NULL, run_errand, &errand), 0);
	while (fixture->produced < 3) {
		struct timer *tick = timer_new(rig->loop, stop_loop, rig->loop);
		timer_start(tick, 5, 0);
		loop_run(rig->loop);
		timer_free(tick);
	}
	timer_stop(fixture->wake);
	http_close(fixture->server);
	fixture->server = NULL;
	assert_int_equal(fixture->finished, 1);
	pthread_join(thread, NULL);
	assert_int_not_equal(one.result, CURLE_OK);
	waker_free(errand.done);
	ask_fini(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_long_answer_arrives_whole_and_in_order),
	        TEST(test_large_body_has_its_length),
	        TEST(test_producer_ends_when_the_client_hangs_up),
	        TEST(test_stream_goes_on_with_each_wake),
	        TEST(test_answer_that_waits_may_still_fail),
	        TEST(test_stream_of_a_client_that_is_gone_costs_nothing),
	        TEST(test_close_ends_what_is_under_way),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return failed;
}
