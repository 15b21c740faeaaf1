/*
 * conn_scene - two ends of a connection on one loop, and what each does in its callbacks.
 */
#ifndef TSUJIBAN_TESTS_UNIT_COMMON_IO_CONN_SCENE_H
#define TSUJIBAN_TESTS_UNIT_COMMON_IO_CONN_SCENE_H

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

static inline void make_leaf(struct buf *key, struct buf *cert, const char *name, bool is_server,
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

static inline int make_identities(void **state)
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

static inline int free_identities(void **state)
{
	struct buf *all[] = {&ca_key, &ca_cert, &server_key, &server_cert, &host_key, &host_cert,
	        &stranger_cert};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_fini(all[i]);
	return 0;
}

/* --- events -------------------------------------------------------------------------------- */

static inline void on_ready(
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

static inline void on_frame(void *ctx, struct conn *conn, const struct frame *frame)
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

static inline void on_drained(void *ctx, struct conn *conn)
{
	struct end *end = ctx;

	assert_ptr_equal(conn, end->conn);
	end->drained++;
	if (end->on_drained)
		end->on_drained(end);
}

static inline void on_closed(void *ctx, struct conn *conn, int code, const struct reason *reason)
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

static inline void *on_accepted(void *ctx, struct conn *conn)
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

static inline void bark(void *ctx)
{
	struct scene *scene = ctx;

	(void)scene;
	print_error("the test hangs\n");
	abort();
}

/* Both ends closed is the end, unless a test says otherwise. */
static inline int open_scene(void **state)
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
static inline int close_scene(void **state)
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

static inline void join(struct scene *scene)
{
	scene->client.conn = conn_connect(
	        scene->loop, scene->client_tls, scene->address, &events, &scene->client);
}

static inline void run(struct scene *scene)
{
	join(scene);
	loop_run(scene->loop);
}

static inline void say(struct end *end, enum frame_kind kind, struct slice payload)
{
	struct buf frame = BUF_INIT;

	assert_int_equal(frame_append(&frame, kind, payload), 0);
	conn_send(end->conn, buf_slice(&frame));
	buf_fini(&frame);
}

static inline void say_hello(struct end *end)
{
	say(end, FRAME_HELLO, slice_text("hello"));
}

static inline void close_end(struct end *end)
{
	conn_close(end->conn);
}

static inline void stop(struct end *end)
{
	loop_stop(end->scene->loop);
}

static inline void drop_end(struct end *end)
{
	conn_drop(end->conn);
	end->conn = NULL;
	/* The other side will be told, this one not. */
	end->scene->stop_at_closed = 1;
}

static inline void close_on_frame(struct end *end, const struct frame *frame)
{
	(void)frame;
	close_end(end);
}

static inline void drop_on_frame(struct end *end, const struct frame *frame)
{
	(void)frame;
	drop_end(end);
}

static inline void stop_on_frame(struct end *end, const struct frame *frame)
{
	(void)frame;
	stop(end);
}

static inline void expect_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text);
}

/* Bytes that do not compress, so that many of them are on the wire. */
static inline void fill(struct buf *out, size_t len, uint64_t seed)
{
	buf_reserve(out, len);
	while (out->len < len) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		buf_append_byte(out, (uint8_t)(seed >> 24));
	}
}

#endif
