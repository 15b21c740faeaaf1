/* How connections begin and end: nobody there, dropped in the middle of anything, listeners. */
#include "tests/unit/common-io/conn_scene.h"

/* --- reaching nobody ----------------------------------------------------------------------- */

static void expect_no_connection(
        struct scene *scene, const char *address, int code, const char *sentence)
{
	snprintf(scene->address, sizeof(scene->address), "%s", address);
	scene->client.closed = 0;
	scene->closed = 0;
	scene->stop_at_closed = 1;
	join(scene);
	assert_int_equal(scene->client.closed, 0);
	loop_run(scene->loop);
	assert_int_equal(scene->client.closed, 1);
	assert_int_equal(scene->client.code, code);
	expect_text(scene->client.why.text, sentence);
}

static void test_bad_address_is_told_through_closed(void **state)
{
	struct scene *scene = *state;
	const char *bad[] = {"", "nobody", ":7443", "host:", "host:x", "host:65536", "::1:7443",
	        "[::1]", "[host]:7443", "-host:7443", "ho st:7443"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_no_connection(
		        scene, bad[i], ERR_CONFIG, "is no address of the form HOST:PORT");
	expect_no_connection(scene, "evil\x1b[2J:1", ERR_CONFIG, "'evil\\x1b[2J:1'");
}

static void test_connection_keeps_a_loop_alive_that_has_nothing_else(void **state)
{
	struct scene scene = {.loop = loop_new(), .address = "bad"};

	(void)state;
	scene.client.scene = &scene;
	join(&scene);
	loop_run(scene.loop);
	assert_int_equal(scene.client.closed, 1);
	loop_free(scene.loop);
}

static void test_refused_connection_names_the_address(void **state)
{
	struct scene *scene = *state;
	char address[64];

	snprintf(address, sizeof(address), "%s", scene->address);
	listener_close(scene->listener);
	scene->listener = NULL;
	expect_no_connection(scene, address, -ECONNREFUSED, address);
	expect_text(scene->client.why.text, "connection refused");
}

static void test_every_address_of_a_name_is_tried(void **state)
{
	struct scene *scene = *state;

	snprintf(scene->address, sizeof(scene->address), "localhost:%u",
	        listener_port(scene->listener));
	scene->client.on_ready = say_hello;
	scene->server.on_frame = close_on_frame;
	run(scene);
	assert_int_equal(scene->server.frames, 1);
}

static void test_close_before_the_connection_stands_is_told(void **state)
{
	struct scene *scene = *state;

	scene->stop_at_closed = 1;
	join(scene);
	conn_close(scene->client.conn);
	assert_int_equal(scene->client.closed, 0);
	loop_run(scene->loop);
	assert_int_equal(scene->client.closed, 1);
	assert_int_equal(scene->client.code, 0);
}

static void test_drop_before_the_connection_stands_is_not_told(void **state)
{
	struct scene *scene = *state;

	join(scene);
	conn_drop(scene->client.conn);
	snprintf(scene->address, sizeof(scene->address), "localhost:1");
	join(scene);
	/* Resolving has begun when the next conn hears that its address is bad. */
	struct conn *resolving = scene->client.conn;
	expect_no_connection(scene, "bad", ERR_CONFIG, "bad");
	conn_drop(resolving);
	assert_int_equal(scene->client.ready, 0);
	assert_int_equal(scene->client.closed, 1);
}

/* --- drop from inside callbacks ------------------------------------------------------------ */

static void test_drop_inside_ready(void **state)
{
	struct scene *scene = *state;

	scene->server.on_ready = drop_end;
	run(scene);
	assert_int_equal(scene->server.closed, 0);
	assert_int_equal(scene->client.code, ERR_CLOSED);
}

static void say_three(struct end *end)
{
	say(end, FRAME_HELLO, slice_text("1"));
	say(end, FRAME_HELLO, slice_text("2"));
	say(end, FRAME_HELLO, slice_text("3"));
}

static void test_drop_inside_frame_brings_no_further_frame(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_three;
	scene->server.on_frame = drop_on_frame;
	run(scene);
	assert_int_equal(scene->server.frames, 1);
	assert_int_equal(scene->server.closed, 0);
	assert_int_equal(scene->client.code, ERR_CLOSED);
}

static void test_drop_inside_drained(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_three;
	scene->client.on_drained = drop_end;
	run(scene);
	assert_int_equal(scene->client.closed, 0);
	assert_int_equal(scene->server.code, ERR_CLOSED);
}

static void drop_again(struct end *end)
{
	conn_drop(end->conn);
	conn_close(end->conn);
	conn_send(end->conn, slice_text("nobody hears this"));
}

static void test_drop_inside_closed_does_nothing(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = close_end;
	scene->client.on_closed = drop_again;
	scene->server.on_closed = drop_again;
	run(scene);
	assert_int_equal(scene->client.closed, 1);
	assert_int_equal(scene->server.closed, 1);
}

static void test_drop_inside_accepted(void **state)
{
	struct scene *scene = *state;

	scene->drops_accepted = true;
	run(scene);
	assert_int_equal(scene->accepted, 1);
	assert_int_equal(scene->server.closed, 0);
	scene->server.conn = NULL;
}

static void say_and_drop(struct end *end)
{
	say(end, FRAME_HELLO, slice_text("last words"));
	drop_end(end);
}

static void test_dropped_connection_says_what_the_kernel_takes_at_once(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_and_drop;
	run(scene);
	assert_true(slice_is(buf_slice(&scene->server.said), "last words"));
	assert_int_equal(scene->server.code, ERR_CLOSED);
}

/* --- listeners ----------------------------------------------------------------------------- */

static void test_refused_connection_is_closed_and_not_told(void **state)
{
	struct scene *scene = *state;

	scene->refuses = true;
	scene->stop_at_closed = 1;
	run(scene);
	assert_int_equal(scene->accepted, 1);
	assert_int_equal(scene->server.closed, 0);
	assert_true(scene->client.code < 0);
}

static void test_connections_above_the_most_are_refused(void **state)
{
	struct scene *scene = *state;
	struct end second = {.scene = scene};

	listener_close(scene->listener);
	assert_int_equal(listener_open(scene->loop, scene->server_tls, "127.0.0.1:0", 1, &events,
	                         on_accepted, scene, &scene->listener, &why),
	        0);
	snprintf(scene->address, sizeof(scene->address), "127.0.0.1:%u",
	        listener_port(scene->listener));
	scene->server.on_frame = stop_on_frame;
	scene->client.on_ready = say_hello;
	run(scene);
	assert_int_equal(scene->accepted, 1);

	scene->stop_at_closed = 1;
	second.conn = conn_connect(
	        scene->loop, scene->client_tls, scene->address, &events, &second);
	loop_run(scene->loop);
	assert_int_equal(second.closed, 1);
	assert_int_equal(scene->accepted, 1);

	/* One ends, so that there is room again. */
	scene->closed = 0;
	scene->stop_at_closed = 2;
	conn_close(scene->client.conn);
	loop_run(scene->loop);
	scene->server.on_frame = close_on_frame;
	scene->closed = 0;
	run(scene);
	assert_int_equal(scene->accepted, 2);
}

static void test_connection_outlives_its_listener(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_hello;
	scene->server.on_frame = stop_on_frame;
	run(scene);
	listener_close(scene->listener);
	scene->listener = NULL;
	scene->server.on_frame = close_on_frame;
	say_hello(&scene->client);
	loop_run(scene->loop);
	assert_int_equal(scene->server.frames, 2);
	assert_int_equal(scene->server.code, 0);
}

static void test_port_that_is_taken_is_named(void **state)
{
	struct scene *scene = *state;
	struct listener *second = NULL;

	assert_int_equal(listener_open(scene->loop, scene->server_tls, scene->address, 1, &events,
	                         on_accepted, scene, &second, &why),
	        -EADDRINUSE);
	assert_null(second);
	expect_text(why.text, scene->address);
	assert_int_equal(listener_open(scene->loop, scene->server_tls, "nonsense", 1, &events,
	                         on_accepted, scene, &second, &why),
	        ERR_CONFIG);
}

static void test_peer_address_and_last_heard_are_known(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_hello;
	scene->server.on_frame = stop_on_frame;
	run(scene);
	expect_text(conn_peer_address(scene->server.conn), "127.0.0.1:");
	assert_string_equal(conn_peer_address(scene->client.conn), scene->address);
	assert_true(conn_last_heard_ms(scene->server.conn) <= loop_now_ms(scene->loop));
	assert_true(conn_last_heard_ms(scene->server.conn) > 0);
}

#define TEST_IN_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST_IN_SCENE(test_bad_address_is_told_through_closed),
	        cmocka_unit_test(test_connection_keeps_a_loop_alive_that_has_nothing_else),
	        TEST_IN_SCENE(test_refused_connection_names_the_address),
	        TEST_IN_SCENE(test_every_address_of_a_name_is_tried),
	        TEST_IN_SCENE(test_close_before_the_connection_stands_is_told),
	        TEST_IN_SCENE(test_drop_before_the_connection_stands_is_not_told),
	        TEST_IN_SCENE(test_drop_inside_ready),
	        TEST_IN_SCENE(test_drop_inside_frame_brings_no_further_frame),
	        TEST_IN_SCENE(test_drop_inside_drained),
	        TEST_IN_SCENE(test_drop_inside_closed_does_nothing),
	        TEST_IN_SCENE(test_drop_inside_accepted),
	        TEST_IN_SCENE(test_dropped_connection_says_what_the_kernel_takes_at_once),
	        TEST_IN_SCENE(test_refused_connection_is_closed_and_not_told),
	        TEST_IN_SCENE(test_connections_above_the_most_are_refused),
	        TEST_IN_SCENE(test_connection_outlives_its_listener),
	        TEST_IN_SCENE(test_port_that_is_taken_is_named),
	        TEST_IN_SCENE(test_peer_address_and_last_heard_are_known),
	};
	return cmocka_run_group_tests(tests, make_identities, free_identities);
}
