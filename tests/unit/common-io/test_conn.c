/* What two ends say to each other, and what a connection makes of peers that are broken or not to
 * be trusted. */
#include "tests/unit/common-io/conn_scene.h"

/* --- talking ------------------------------------------------------------------------------- */

static void answer_and_close(struct end *end, const struct frame *frame)
{
	assert_int_equal(frame->kind, FRAME_HELLO);
	say(end, FRAME_WELCOME, slice_text("welcome"));
	conn_close(end->conn);
}

static void test_frames_go_both_ways_and_close_lets_the_last_one_out(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_hello;
	scene->server.on_frame = answer_and_close;
	run(scene);
	assert_string_equal(scene->client.protocol, TLS_ALPN_STREAM);
	assert_string_equal(scene->server.peer, "web01");
	assert_string_equal(scene->client.peer, "collector");
	assert_true(slice_is(buf_slice(&scene->server.said), "hello"));
	assert_true(slice_is(buf_slice(&scene->client.said), "welcome"));
	assert_int_equal(scene->server.code, 0);
	assert_int_equal(scene->client.code, ERR_CLOSED);
	expect_text(scene->client.why.text, scene->address);
}

static void say_much(struct end *end)
{
	struct buf payload = BUF_INIT;

	for (unsigned i = 0; i < 40; i++) {
		buf_reset(&payload);
		fill(&payload, 250000, 88172645463325252u + i);
		say(end, FRAME_BATCH, buf_slice(&payload));
	}
	assert_true(conn_pending(end->conn) > 10000000 - 1000);
	buf_fini(&payload);
}

static void expect_much(struct end *end)
{
	struct buf payload = BUF_INIT;

	assert_int_equal(end->said.len, 40 * 250000);
	for (unsigned i = 0; i < 40; i++) {
		buf_reset(&payload);
		fill(&payload, 250000, 88172645463325252u + i);
		assert_memory_equal(end->said.data + i * 250000, payload.data, 250000);
	}
	buf_fini(&payload);
}

static void close_when_all_came(struct end *end, const struct frame *frame)
{
	(void)frame;
	if (end->frames == 40)
		conn_close(end->conn);
}

static void test_ten_megabytes_arrive_whole_and_in_order(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_much;
	scene->server.on_frame = close_when_all_came;
	run(scene);
	expect_much(&scene->server);
	assert_int_equal(scene->client.drained, 1);
	assert_int_equal(scene->client.code, ERR_CLOSED);
}

static void note_nothing_pending(struct end *end)
{
	assert_int_equal(conn_pending(end->conn), 0);
	loop_stop(end->scene->loop);
}

static void test_drained_comes_when_nothing_is_pending(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_much;
	scene->client.on_drained = note_nothing_pending;
	run(scene);
	assert_int_equal(scene->client.drained, 1);
}

static void pause_end(struct end *end)
{
	conn_pause(end->conn);
	timer_start(end->scene->later, 50, 0);
}

/* The client was ready first, and its kernel cannot hold all that it says. */
static void resume_server(void *ctx)
{
	struct scene *scene = ctx;

	assert_int_equal(scene->server.frames, 0);
	assert_true(conn_pending(scene->client.conn) > 0);
	conn_resume(scene->server.conn);
}

static void test_paused_end_gets_nothing_until_it_is_resumed(void **state)
{
	struct scene *scene = *state;

	scene->later = timer_new(scene->loop, resume_server, scene);
	scene->client.on_ready = say_much;
	scene->server.on_ready = pause_end;
	scene->server.on_frame = close_when_all_came;
	run(scene);
	timer_free(scene->later);
	expect_much(&scene->server);
}

static void pause_after_one(struct end *end, const struct frame *frame)
{
	(void)frame;
	conn_pause(end->conn);
	loop_stop(end->scene->loop);
}

static void say_three_and_close(struct end *end)
{
	say(end, FRAME_HELLO, slice_text("1"));
	say(end, FRAME_HELLO, slice_text("2"));
	say(end, FRAME_HELLO, slice_text("3"));
	conn_close(end->conn);
}

static void test_frames_that_wait_for_a_resume_come_before_the_close(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_three_and_close;
	scene->server.on_frame = pause_after_one;
	run(scene);
	assert_int_equal(scene->server.frames, 1);
	scene->server.on_frame = NULL;
	conn_resume(scene->server.conn);
	loop_run(scene->loop);
	assert_true(slice_is(buf_slice(&scene->server.said), "123"));
	assert_int_equal(scene->server.code, ERR_CLOSED);
	assert_int_equal(scene->client.code, 0);
}

static void close_when_drained(struct end *end)
{
	conn_close(end->conn);
}

static void test_send_before_ready_goes_out_after_the_handshake(void **state)
{
	struct scene *scene = *state;

	scene->client.on_drained = close_when_drained;
	join(scene);
	say_hello(&scene->client);
	loop_run(scene->loop);
	assert_true(slice_is(buf_slice(&scene->server.said), "hello"));
}

/* --- broken peers -------------------------------------------------------------------------- */

static void say_junk(struct end *end)
{
	conn_send(end->conn, slice_of("\x00\x00\x00\x03\x63\x00junk", 10));
}

static void test_malformed_frame_ends_the_connection(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_junk;
	run(scene);
	assert_int_equal(scene->server.code, ERR_FORMAT);
	assert_int_equal(scene->server.frames, 0);
	expect_text(scene->server.why.text, "connection with '127.0.0.1:");
	assert_int_equal(scene->client.code, ERR_CLOSED);
}

static void say_long(struct end *end)
{
	conn_send(end->conn, slice_of("\x7f\xff\xff\xff\x01\x00", 6));
}

static void test_frame_above_the_limit_ends_the_connection(void **state)
{
	struct scene *scene = *state;

	scene->client.on_ready = say_long;
	run(scene);
	assert_int_equal(scene->server.code, ERR_LIMIT);
}

static int raw_socket(struct scene *scene, const char *bytes)
{
	struct sockaddr_in peer = {.sin_family = AF_INET,
	        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	        .sin_port = htons((uint16_t)listener_port(scene->listener))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof(peer)), 0);
	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	return fd;
}

static void test_peer_that_speaks_http_is_told_off(void **state)
{
	struct scene *scene = *state;
	int fd = raw_socket(scene, "GET / HTTP/1.1\r\n\r\n");

	scene->stop_at_closed = 1;
	loop_run(scene->loop);
	close(fd);
	assert_int_equal(scene->server.code, ERR_TLS);
	expect_text(scene->server.why.text, "handshake with '127.0.0.1:");
	expect_text(scene->server.why.text, "does not speak TLS");
}

static void test_peer_that_leaves_during_the_handshake_is_noticed(void **state)
{
	struct scene *scene = *state;

	close(raw_socket(scene, ""));
	scene->stop_at_closed = 1;
	loop_run(scene->loop);
	assert_int_equal(scene->server.code, ERR_CLOSED);
	expect_text(scene->server.why.text, "during the handshake");
}

/* Instead of waiting 10 s. */
static void hurry(void *ctx)
{
	struct scene *scene = ctx;

	conn_set_deadline(scene->server.conn, 0);
}

static void test_silent_peer_is_closed_at_the_deadline(void **state)
{
	struct scene *scene = *state;
	int fd = raw_socket(scene, "");

	scene->stop_at_closed = 1;
	scene->later = timer_new(scene->loop, hurry, scene);
	scene->starts_later = true;
	loop_run(scene->loop);
	close(fd);
	timer_free(scene->later);
	assert_int_equal(scene->server.code, -ETIMEDOUT);
	expect_text(scene->server.why.text, "is not over after 10 s");
}

/* --- trust --------------------------------------------------------------------------------- */

static void test_host_learns_that_the_collector_does_not_know_its_ca(void **state)
{
	struct scene *scene = *state;

	tls_context_free(scene->client_tls);
	assert_int_equal(tls_client_new(buf_slice(&stranger_cert), buf_slice(&host_key),
	                         buf_slice(&ca_cert), &scene->client_tls, &why),
	        0);
	/* In TLS 1.3 the client is ready before it is refused: it may talk already. */
	scene->client.on_ready = say_much;
	run(scene);
	assert_int_equal(scene->server.code, ERR_TLS);
	assert_int_equal(scene->server.ready, 0);
	expect_text(scene->server.why.text, "not signed by the CA in ca.crt, 'test CA'");
	assert_int_equal(scene->client.code, ERR_TLS);
	expect_text(scene->client.why.text, "it does not know the CA of our certificate");
	expect_text(scene->client.why.text, scene->address);
}

static void test_context_may_be_replaced_and_freed_while_it_is_in_use(void **state)
{
	struct scene *scene = *state;
	struct tls_context *next;

	assert_int_equal(tls_server_new(buf_slice(&server_cert), buf_slice(&server_key),
	                         buf_slice(&ca_cert), &next, &why),
	        0);
	listener_set_tls(scene->listener, next);
	tls_context_free(next);
	tls_context_free(scene->server_tls);
	scene->server_tls = NULL;
	scene->client.on_ready = say_hello;
	scene->server.on_frame = close_on_frame;
	join(scene);
	tls_context_free(scene->client_tls);
	scene->client_tls = NULL;
	loop_run(scene->loop);
	assert_int_equal(scene->server.frames, 1);
}

static void enroll(struct scene *scene)
{
	struct pki_cert_info info;

	tls_context_free(scene->client_tls);
	assert_int_equal(pki_cert_info(buf_slice(&ca_cert), &info, &why), 0);
	assert_int_equal(tls_enroll_new(info.fingerprint, &scene->client_tls, &why), 0);
}

static void test_enrolling_host_has_no_certificate(void **state)
{
	struct scene *scene = *state;

	enroll(scene);
	scene->client.on_ready = say_hello;
	scene->server.on_frame = close_on_frame;
	run(scene);
	assert_int_equal(scene->server.frames, 1);
	assert_string_equal(scene->server.protocol, TLS_ALPN_ENROLL);
	assert_string_equal(scene->server.peer, "");
}

static void test_enrolling_host_cannot_send_large_frames(void **state)
{
	struct scene *scene = *state;

	enroll(scene);
	scene->client.on_ready = say_much;
	run(scene);
	assert_int_equal(scene->server.code, ERR_LIMIT);
	assert_int_equal(scene->server.frames, 0);
}

#define TEST_IN_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST_IN_SCENE(test_frames_go_both_ways_and_close_lets_the_last_one_out),
	        TEST_IN_SCENE(test_ten_megabytes_arrive_whole_and_in_order),
	        TEST_IN_SCENE(test_drained_comes_when_nothing_is_pending),
	        TEST_IN_SCENE(test_paused_end_gets_nothing_until_it_is_resumed),
	        TEST_IN_SCENE(test_frames_that_wait_for_a_resume_come_before_the_close),
	        TEST_IN_SCENE(test_send_before_ready_goes_out_after_the_handshake),
	        TEST_IN_SCENE(test_malformed_frame_ends_the_connection),
	        TEST_IN_SCENE(test_frame_above_the_limit_ends_the_connection),
	        TEST_IN_SCENE(test_peer_that_speaks_http_is_told_off),
	        TEST_IN_SCENE(test_peer_that_leaves_during_the_handshake_is_noticed),
	        TEST_IN_SCENE(test_silent_peer_is_closed_at_the_deadline),
	        TEST_IN_SCENE(test_host_learns_that_the_collector_does_not_know_its_ca),
	        TEST_IN_SCENE(test_context_may_be_replaced_and_freed_while_it_is_in_use),
	        TEST_IN_SCENE(test_enrolling_host_has_no_certificate),
	        TEST_IN_SCENE(test_enrolling_host_cannot_send_large_frames),
	};
	return cmocka_run_group_tests(tests, make_identities, free_identities);
}
