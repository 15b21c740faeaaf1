#include "tests/unit/collector-http/rig.h"

#include <errno.h>

#include "collector/http/http.h"

#define MANY 64 /* chunks */

struct fixture {
	struct rig rig;
	struct http_server *server;
	struct timer *wake;
	unsigned produced, finished, handled;
	bool stops_when_finished;
	size_t endless_bytes;
};

/* --- routes of the test -------------------------------------------------------------------- */

static void echo(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct slice name = http_param(request, "name"), id = http_header(request, "last-event-id");

	((struct fixture *)ctx)->handled++;
	buf_printf(&response->body, "{\"method\":\"%s\",\"tail\":\"%s\",\"name\":\"%.*s\",",
	        request->method, request->tail, SLICE_ARG(name));
	buf_printf(&response->body, "\"has_name\":%d,\"id\":\"%.*s\",\"body\":\"%.*s\"}\n",
	        name.ptr != NULL, SLICE_ARG(id), SLICE_ARG(request->body));
}

static void finish(void *ctx)
{
	struct fixture *fixture = ctx;

	fixture->finished++;
	if (fixture->stops_when_finished)
		loop_stop(fixture->rig.loop);
}

static enum http_more produce_many(void *ctx, struct buf *out)
{
	struct fixture *fixture = ctx;

	for (int i = 0; i < 1000; i++)
		buf_printf(out, "line %06u of many lines that are long enough to matter\n",
		        fixture->produced * 1000 + (unsigned)i);
	return ++fixture->produced == MANY ? HTTP_END : HTTP_MORE;
}

static void many(void *ctx, const struct http_request *request, struct http_response *response)
{
	(void)request;
	buf_append_text(&response->body, "first\n");
	response->produce = produce_many;
	response->finish = finish;
	response->ctx = ctx;
}

static enum http_more produce_endless(void *ctx, struct buf *out)
{
	struct fixture *fixture = ctx;

	memset(buf_reserve(out, 65536), 'x', 65536);
	out->len += 65536;
	fixture->endless_bytes += 65536;
	return HTTP_MORE;
}

static void endless(void *ctx, const struct http_request *request, struct http_response *response)
{
	many(ctx, request, response);
	response->produce = produce_endless;
}

/* Gives an event, waits, is woken by a timer, and so on. */
static enum http_more produce_event(void *ctx, struct buf *out)
{
	struct fixture *fixture = ctx;

	buf_printf(out, "id: %u\ndata: {}\n\n", fixture->produced++);
	timer_start(fixture->wake, 1, 0);
	return HTTP_WAIT;
}

static void stream(void *ctx, const struct http_request *request, struct http_response *response)
{
	many(ctx, request, response);
	buf_reset(&response->body);
	response->content_type = "text/event-stream";
	response->produce = produce_event;
}

/* Says nothing at first, then fails: an answer that waited for a job. */
static struct http_response *late_response;

static enum http_more produce_late(void *ctx, struct buf *out)
{
	struct fixture *fixture = ctx;

	(void)out;
	timer_start(fixture->wake, 1, 0);
	if (fixture->produced++ == 0)
		return HTTP_WAIT;
	http_fail(late_response, 404, "no host '%s'", "x\"y");
	return HTTP_END;
}

static void late(void *ctx, const struct http_request *request, struct http_response *response)
{
	stream(ctx, request, response);
	response->produce = produce_late;
	late_response = response;
}

static void large(void *ctx, const struct http_request *request, struct http_response *response)
{
	(void)ctx;
	(void)request;
	memset(buf_reserve(&response->body, 1 << 20), 'y', 1 << 20);
	response->body.len += 1 << 20;
}

static const struct http_route routes[] = {
        {"GET", "/echo", HTTP_READ, echo},
        {"GET", "/echo/*", HTTP_READ, echo},
        {"POST", "/echo", HTTP_ADMIN, echo},
        {"GET", "/open", HTTP_NOBODY, echo},
        {"GET", "/many", HTTP_READ, many},
        {"GET", "/endless", HTTP_READ, endless},
        {"GET", "/stream", HTTP_READ, stream},
        {"GET", "/late", HTTP_READ, late},
        {"GET", "/large", HTTP_READ, large},
        {NULL, NULL, HTTP_NOBODY, NULL},
};

static enum http_role authorize(void *ctx, struct slice token)
{
	(void)ctx;
	return slice_is(token, "admin")  ? HTTP_ADMIN
	       : slice_is(token, "read") ? HTTP_READ
	                                 : HTTP_NOBODY;
}

static void wake_server(void *ctx)
{
	http_wake(((struct fixture *)ctx)->server);
}

/* --- life ---------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct http_options options = {.address = "127.0.0.1:0",
	        .cert_file = fixture->rig.cert,
	        .key_file = fixture->rig.key,
	        .routes = routes,
	        .authorize = authorize,
	        .ctx = fixture,
	        .connections = 8};
	struct reason why;

	rig_init(&fixture->rig);
	fixture->wake = timer_new(fixture->rig.loop, wake_server, fixture);
	if (http_open(fixture->rig.loop, &options, &fixture->server, &why) < 0)
		fail_msg("%s", why.text);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	http_close(fixture->server);
	timer_free(fixture->wake);
	rig_fini(&fixture->rig);
	free(fixture);
	return 0;
}

static void ask(struct fixture *fixture, struct ask *asks, size_t count)
{
	rig_ask(&fixture->rig, http_port(fixture->server), asks, count);
}

/* --- requests ------------------------------------------------------------------------------ */

static void test_handler_sees_decoded_parameters_tail_and_headers(void **state)
{
	struct ask one = {.path = "/echo/a%20b?x=1&name=%26%2Fc//d/../e%3D+f&y",
	        .token = "read",
	        .header = "Last-Event-ID: 3-4"};

	ask(*state, &one, 1);
	assert_int_equal(one.status, 200);
	assert_string_equal((char *)one.answer.data,
	        "{\"method\":\"GET\",\"tail\":\"a b\",\"name\":\"&/c//d/../e= f\","
	        "\"has_name\":1,\"id\":\"3-4\",\"body\":\"\"}\n");
	ask_fini(&one);
}

static void test_absent_parameter_differs_from_an_empty_one(void **state)
{
	struct ask both[] = {{.path = "/echo?name=", .token = "read"},
	        {.path = "/echo?names=1", .token = "read"}};

	ask(*state, both, 2);
	assert_true(ask_says(&both[0], "\"has_name\":1"));
	assert_true(ask_says(&both[1], "\"has_name\":0"));
	ask_fini(&both[0]);
	ask_fini(&both[1]);
}

static void test_body_of_a_post_arrives_whole(void **state)
{
	char body[65536];
	memset(body, 'b', sizeof(body));
	struct ask two[] = {{.method = "POST",
	                            .path = "/echo",
	                            .token = "admin",
	                            .body = "hello",
	                            .body_len = 5},
	        {.method = "POST",
	                .path = "/echo",
	                .token = "admin",
	                .body = body,
	                .body_len = sizeof(body)}};

	ask(*state, two, 2);
	assert_int_equal(two[0].status, 200);
	assert_true(ask_says(&two[0], "\"body\":\"hello\""));
	assert_int_equal(two[1].result, CURLE_OK);
	assert_int_equal(two[1].status, 200);
	assert_true(two[1].answer.len > sizeof(body));
	ask_fini(&two[0]);
	ask_fini(&two[1]);
}

static void test_post_without_a_length_has_no_body(void **state)
{
	struct ask two[] = {{.method = "POST", .path = "/echo", .token = "admin"},
	        {.path = "/echo", .token = "read"}};

	ask(*state, two, 2);
	assert_int_equal(two[0].status, 200);
	assert_true(ask_says(&two[0], "\"body\":\"\""));
	assert_int_equal(two[1].status, 200);
	ask_fini(&two[0]);
	ask_fini(&two[1]);
}

static void test_one_connection_serves_many_requests(void **state)
{
	struct ask many_asks[20];

	for (int i = 0; i < 20; i++)
		many_asks[i] = (struct ask){.path = "/echo", .token = "read"};
	ask(*state, many_asks, 20);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(many_asks[i].status, 200);
		assert_null(strstr((char *)many_asks[i].head.data, "connection: close"));
		ask_fini(&many_asks[i]);
	}
}

/* --- refusals ------------------------------------------------------------------------------ */

static void test_unknown_path_is_404_and_other_method_405(void **state)
{
	struct ask asks[] = {{.path = "/nothing", .token = "read"},
	        {.path = "/echo/", .token = "read"},
	        {.method = "DELETE", .path = "/echo", .token = "admin"},
	        {.method = "PUT", .path = "/echo", .token = "admin", .body = "x", .body_len = 1}};
	const long want[] = {404, 404, 405, 405};

	ask(*state, asks, 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(asks[i].status, want[i]);
		assert_true(ask_says(&asks[i], "{\"error\":\""));
		ask_fini(&asks[i]);
	}
}

static void test_roles_are_asked_for(void **state)
{
	struct fixture *fixture = *state;
	struct ask asks[] = {{.path = "/echo"}, {.path = "/echo", .token = "wrong"},
	        {.path = "/echo", .header = "authorization: Basic cmVhZDpyZWFk"},
	        {.method = "POST", .path = "/echo", .token = "read", .body = "x", .body_len = 1},
	        {.path = "/open"}};
	const long want[] = {401, 401, 401, 403, 200};

	ask(fixture, asks, 5);
	assert_int_equal(fixture->handled, 1);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(asks[i].status, want[i]);
		ask_fini(&asks[i]);
	}
}

static void test_too_large_body_is_413(void **state)
{
	static char body[65537];
	struct ask asks[] = {{.method = "POST",
	                             .path = "/echo",
	                             .token = "admin",
	                             .body = body,
	                             .body_len = sizeof(body)},
	        {.path = "/echo", .token = "read"}};

	memset(body, 'b', sizeof(body));
	ask(*state, asks, 2);
	assert_int_equal(asks[0].status, 413);
	assert_int_equal(asks[1].status, 200);
	ask_fini(&asks[0]);
	ask_fini(&asks[1]);
}

static void test_chunked_body_and_bad_length_are_400(void **state)
{
	struct ask asks[] = {{.method = "POST",
	                             .path = "/echo",
	                             .token = "admin",
	                             .header = "transfer-encoding: chunked",
	                             .body = "x",
	                             .body_len = 1},
	        {.path = "/echo", .token = "read", .header = "content-length: many"}};

	ask(*state, asks, 2);
	assert_int_equal(asks[0].status, 400);
	assert_int_equal(asks[1].status, 400);
	ask_fini(&asks[0]);
	ask_fini(&asks[1]);
}

static void test_bad_certificate_file_is_named(void **state)
{
	struct fixture *fixture = *state;
	struct http_options options = {.address = "127.0.0.1:0",
	        .cert_file = fixture->rig.ca,
	        .key_file = fixture->rig.key,
	        .routes = routes,
	        .authorize = authorize,
	        .connections = 8};
	struct http_server *server = NULL;
	struct reason why;

	assert_true(http_open(fixture->rig.loop, &options, &server, &why) < 0);
	assert_non_null(strstr(why.text, fixture->rig.ca));
	assert_null(server);
}

static void test_taken_port_is_named(void **state)
{
	struct fixture *fixture = *state;
	char address[32];
	struct http_options options = {.address = address,
	        .cert_file = fixture->rig.cert,
	        .key_file = fixture->rig.key,
	        .routes = routes,
	        .authorize = authorize,
	        .connections = 8};
	struct http_server *server = NULL;
	struct reason why;

	snprintf(address, sizeof(address), "127.0.0.1:%u", http_port(fixture->server));
	assert_int_equal(http_open(fixture->rig.loop, &options, &server, &why), -EADDRINUSE);
	assert_non_null(strstr(why.text, address));
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_handler_sees_decoded_parameters_tail_and_headers),
	        TEST(test_absent_parameter_differs_from_an_empty_one),
	        TEST(test_body_of_a_post_arrives_whole),
	        TEST(test_post_without_a_length_has_no_body),
	        TEST(test_one_connection_serves_many_requests),
	        TEST(test_unknown_path_is_404_and_other_method_405),
	        TEST(test_roles_are_asked_for),
	        TEST(test_too_large_body_is_413),
	        TEST(test_chunked_body_and_bad_length_are_400),
	        TEST(test_bad_certificate_file_is_named),
	        TEST(test_taken_port_is_named),
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
