#include "tests/unit/collector-http/http_scene.h"

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
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return failed;
}
