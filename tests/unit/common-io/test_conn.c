#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/io/conn.h"
#include "common/io/conn_private.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define HOUR_NS (3600 * NS_PER_S)

struct scene;

/* One end of a connection, and what it should do in each callback. */
struct end {
	struct scene *scene;
	struct conn *conn;
	void (*on_ready)(struct end *end);
	void (*on_frame)(struct end *end, const struct frame *frame);
	void (*on_drained)(struct end *end);
	void (*on_closed)(struct end *end);
	unsigned ready;
	unsigned frames;
	unsigned drained;
	unsigned closed;
	int code;
	struct reason why;
	char protocol[32];
	char peer[PKI_NAME_MAX + 1];
	struct buf said; /* payloads of its frames */
};

struct scene {
	struct loop *loop;
	struct tls_context *server_tls;
	struct tls_context *client_tls;
	struct listener *listener;
	struct timer *watchdog;
	struct timer *later;
	struct end client;
	struct end server;
	bool refuses; /* accepted returns NULL */
	bool drops_accepted;
	bool starts_later; /* its timer, in accepted */
	unsigned accepted;
	unsigned closed; /* of both ends */
	unsigned stop_at_closed;
	char address[64];
};

static struct buf ca_key, ca_cert, server_key, server_cert, host_key, host_cert;
static struct buf stranger_cert;
static struct reason why;

/* --- certificates -------------------------------------------------------------------------- */

static void make_leaf(struct buf *key, struct buf *cert, const char *name, bool is_server,
        const struct buf *issuer_cert, const struct buf *issuer_key)
{
	static const char *const names[] = {"localhost", "127.0.0.1", NULL};
	int64_t now_ns = clock_wall_ns();
	struct buf csr = BUF_INIT;
	struct pki_grant grant = {.name = name,
	        .names = is_server ? names : NULL,
	        .is_server = is_server,
	        .not_before_ns = now_ns - HOUR_NS,
	        .not_after_ns = now_ns + HOUR_NS};

	if (key->len == 0)
		assert_int_equal(pki_key_new(key, &why), 0);
	assert_int_equal(pki_csr_new(buf_slice(key), name, &csr, &why), 0);
	assert_int_equal(pki_sign(buf_slice(&csr), buf_slice(issuer_cert), buf_slice(issuer_key),
	                         &grant, cert, &why),
	        0);
	buf_fini(&csr);
}

static int make_identities(void **state)
{
	int64_t begin_ns = clock_wall_ns() - 2 * HOUR_NS;
	struct buf other_key = BUF_INIT;
	struct buf other_cert = BUF_INIT;

	(void)state;
	pki_key_new(&ca_key, &why);
	pki_ca_new(buf_slice(&ca_key), "test CA", begin_ns, 4 * HOUR_NS, &ca_cert, &why);
	pki_key_new(&other_key, &why);
	pki_ca_new(buf_slice(&other_key), "other CA", begin_ns, 4 * HOUR_NS, &other_cert, &why);
	make_leaf(&server_key, &server_cert, "collector", true, &ca_cert, &ca_key);
	make_leaf(&host_key, &host_cert, "web01", false, &ca_cert, &ca_key);
	make_leaf(&host_key, &stranger_cert, "web01", false, &other_cert, &other_key);
	buf_fini(&other_key);
	buf_fini(&other_cert);
	return 0;
}

static int free_identities(void **state)
{
	struct buf *all[] = {&ca_key, &ca_cert, &server_key, &server_cert, &host_key, &host_cert,
	        &stranger_cert};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_fini(all[i]);
	return 0;
}

/* --- events -------------------------------------------------------------------------------- */

static void on_ready(
        void *ctx, struct conn *conn, const char *protocol, const struct pki_cert_info *peer)
{
	struct end *end = ctx;

	assert_ptr_equal(conn, end->conn);
	end->ready++;
	snprintf(end->protocol, sizeof(end->protocol), "%s", protocol);
	snprintf(end->peer, sizeof(end->peer), "%s", peer ? peer->name : "");
	if (end->on_ready)
		end->on_ready(end);
}

static void on_frame(void *ctx, struct conn *conn, const struct frame *frame)
{
	struct end *end = ctx;
	struct buf scratch = BUF_INIT;
	struct slice payload;

	assert_ptr_equal(conn, end->conn);
	end->frames++;
	assert_int_equal(frame_open(frame, &scratch, &payload, &why), 0);
	buf_append_slice(&end->said, payload);
	buf_fini(&scratch);
	if (end->on_frame)
		end->on_frame(end, frame);
}

static void on_drained(void *ctx, struct conn *conn)
{
	struct end *end = ctx;

	assert_ptr_equal(conn, end->conn);
	end->drained++;
	if (end->on_drained)
		end->on_drained(end);
}

static void on_closed(void *ctx, struct conn *conn, int code, const struct reason *reason)
{
	struct end *end = ctx;

	assert_ptr_equal(conn, end->conn);
	end->closed++;
	end->code = code;
	end->why = *reason;
	if (end->on_closed)
		end->on_closed(end);
	end->conn = NULL;
	if (++end->scene->closed == end->scene->stop_at_closed)
		loop_stop(end->scene->loop);
}

static const struct conn_events events = {
        .ready = on_ready, .frame = on_frame, .drained = on_drained, .closed = on_closed};

static void *on_accepted(void *ctx, struct conn *conn)
{
	struct scene *scene = ctx;

	scene->accepted++;
	if (scene->refuses)
		return NULL;
	scene->server.conn = conn;
	if (scene->starts_later)
		timer_start(scene->later, 0, 0);
	if (scene->drops_accepted) {
		conn_drop(conn);
		loop_stop(scene->loop);
	}
	return &scene->server;
}

/* --- scenes -------------------------------------------------------------------------------- */

static void bark(void *ctx)
{
	struct scene *scene = ctx;

	(void)scene;
	print_error("the test hangs\n");
	abort();
}

/* Both ends closed is the end, unless a test says otherwise. */
static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->loop = loop_new();
	scene->client.scene = scene->server.scene = scene;
	scene->stop_at_closed = 2;
	tls_server_new(buf_slice(&server_cert), buf_slice(&server_key), buf_slice(&ca_cert),
	        &scene->server_tls, &why);
	tls_client_new(buf_slice(&host_cert), buf_slice(&host_key), buf_slice(&ca_cert),
	        &scene->client_tls, &why);
	assert_int_equal(listener_open(scene->loop, scene->server_tls, "127.0.0.1:0", 100, &events,
	                         on_accepted, scene, &scene->listener, &why),
	        0);
	snprintf(scene->address, sizeof(scene->address), "127.0.0.1:%u",
	        listener_port(scene->listener));
	scene->watchdog = timer_new(scene->loop, bark, scene);
	timer_start(scene->watchdog, 60000, 0);
	*state = scene;
	return 0;
}

/* Ends what the test left open; the sanitizers tell what was not freed. */
static int close_scene(void **state)
{
	struct scene *scene = *state;

	conn_drop(scene->client.conn);
	conn_drop(scene->server.conn);
	listener_close(scene->listener);
	timer_free(scene->watchdog);
	tls_context_free(scene->server_tls);
	tls_context_free(scene->client_tls);
	loop_free(scene->loop);
	buf_fini(&scene->client.said);
	buf_fini(&scene->server.said);
	free(scene);
	return 0;
}

static void join(struct scene *scene)
{
	scene->client.conn = conn_connect(
	        scene->loop, scene->client_tls, scene->address, &events, &scene->client);
}

static void run(struct scene *scene)
{
	join(scene);
	loop_run(scene->loop);
}

static void say(struct end *end, enum frame_kind kind, struct slice payload)
{
	struct buf frame = BUF_INIT;

	assert_int_equal(frame_append(&frame, kind, payload), 0);
	conn_send(end->conn, buf_slice(&frame));
	buf_fini(&frame);
}

static void say_hello(struct end *end)
{
	say(end, FRAME_HELLO, slice_text("hello"));
}

static void close_end(struct end *end)
{
	conn_close(end->conn);
}

static void stop(struct end *end)
{
	loop_stop(end->scene->loop);
}

static void drop_end(struct end *end)
{
	conn_drop(end->conn);
	end->conn = NULL;
	/* The other side will be told, this one not. */
	end->scene->stop_at_closed = 1;
}

static void close_on_frame(struct end *end, const struct frame *frame)
{
	(void)frame;
	close_end(end);
}

static void drop_on_frame(struct end *end, const struct frame *frame)
{
	(void)frame;
	drop_end(end);
}

static void stop_on_frame(struct end *end, const struct frame *frame)
{
	(void)frame;
	stop(end);
}

static void expect_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text);
}

/* Bytes that do not compress, so that many of them are on the wire. */
static void fill(struct buf *out, size_t len, uint64_t seed)
{
	buf_reserve(out, len);
	while (out->len < len) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		buf_append_byte(out, (uint8_t)(seed >> 24));
	}
}

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
