/*
 * fake - a collector for the sender's tests: a listener that answers as the test says, and a host
 * with an identity and a state directory.
 */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_FAKE_H
#define TSUJIBAN_TESTS_UNIT_AGENT_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>

#include "agent/identity/identity.h"
#include "agent/state/spool.h"
#include "common/base/clock.h"
#include "common/io/conn.h"
#include "common/io/file.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define HOUR_NS    (3600 * NS_PER_S)
#define PATIENT_MS 20000 /* only bounds a test that hangs */

struct fake {
	char dir[64];
	struct loop *loop;
	struct buf ca_key, ca_cert, server_key, server_cert;
	struct tls_context *tls;
	struct listener *listener;
	struct timer *watchdog;
	struct state *state;
	char address[32];
	struct conn *conn; /* of the agent that is connected */
	unsigned connected;
	/* What the test does with each message; NULL: nothing. The message is borrowed. */
	void (*on_message)(struct fake *fake, const struct message *message);
	uint64_t stored_seq; /* what the test's collector has */
	unsigned batches;
	unsigned count; /* the test's own */
};

static struct reason why;

static inline void must(int code)
{
	if (code < 0)
		fail_msg("%s", why.text);
}

static inline void fake_sign(struct fake *fake, struct slice key, const char *name, bool is_server,
        int64_t ends_ns, struct buf *out)
{
	static const char *const names[] = {"127.0.0.1", NULL};
	struct buf csr = BUF_INIT;
	struct pki_grant grant = {.name = name,
	        .names = is_server ? names : NULL,
	        .is_server = is_server,
	        .not_before_ns = clock_wall_ns() - HOUR_NS,
	        .not_after_ns = ends_ns};
	must(pki_csr_new(key, name, &csr, &why));
	must(pki_sign(buf_slice(&csr), buf_slice(&fake->ca_cert), buf_slice(&fake->ca_key), &grant,
	        out, &why));
	buf_fini(&csr);
}

/* A key and its certificate for the host, which ends then. */
static inline void fake_grant(
        struct fake *fake, int64_t ends_ns, struct buf *out_key, struct buf *out_cert)
{
	must(pki_key_new(out_key, &why));
	fake_sign(fake, buf_slice(out_key), "web01", false, ends_ns, out_cert);
}

static inline void fake_install(struct fake *fake, int64_t ends_ns)
{
	struct buf key = BUF_INIT, cert = BUF_INIT;
	fake_grant(fake, ends_ns, &key, &cert);
	must(identity_install(
	        fake->dir, buf_slice(&key), buf_slice(&cert), buf_slice(&fake->ca_cert), &why));
	buf_fini(&key);
	buf_fini(&cert);
}

static inline void fake_say(struct fake *fake, const struct message *message)
{
	struct buf scratch = BUF_INIT, frame = BUF_INIT;
	assert_int_equal(wire_append_frame(message, &scratch, &frame), 0);
	conn_send(fake->conn, buf_slice(&frame));
	buf_fini(&scratch);
	buf_fini(&frame);
}

static inline void fake_welcome(struct fake *fake)
{
	struct message message = {.kind = FRAME_WELCOME};
	message.welcome.stored_seq = fake->stored_seq;
	message.welcome.host = slice_text("web01");
	message.welcome.heartbeat_s = 1;
	fake_say(fake, &message);
}

static inline void fake_ack(struct fake *fake)
{
	struct message message = {.kind = FRAME_ACK};
	message.ack.stored_seq = fake->stored_seq;
	fake_say(fake, &message);
}

static inline void fake_on_ready(
        void *ctx, struct conn *conn, const char *protocol, const struct pki_cert_info *peer)
{
	struct fake *fake = ctx;
	(void)protocol;
	(void)peer;
	fake->conn = conn;
	fake->connected++;
}

static inline void fake_on_frame(void *ctx, struct conn *conn, const struct frame *frame)
{
	struct fake *fake = ctx;
	struct buf scratch = BUF_INIT;
	struct slice payload;
	struct message message;
	struct arena *arena = arena_new(16u << 20);
	(void)conn;
	must(frame_open(frame, &scratch, &payload, &why));
	must(wire_decode(frame->kind, payload, arena, &message, &why));
	if (fake->on_message)
		fake->on_message(fake, &message);
	arena_free(arena);
	buf_fini(&scratch);
}

static inline void fake_on_closed(
        void *ctx, struct conn *conn, int code, const struct reason *reason)
{
	struct fake *fake = ctx;
	(void)code;
	(void)reason;
	if (fake->conn == conn)
		fake->conn = NULL;
}

static inline void *fake_accepted(void *ctx, struct conn *conn)
{
	(void)conn;
	return ctx;
}

static inline void fake_is_late(void *ctx)
{
	(void)ctx;
	fail_msg("what the test waits for does not come");
}

static const struct conn_events FAKE_EVENTS = {
        .ready = fake_on_ready,
        .frame = fake_on_frame,
        .closed = fake_on_closed,
};

static inline void fake_open(struct fake *fake)
{
	struct state_limits limits = {.spool_bytes = 64u << 20, .map_bytes = 256u << 20};
	*fake = (struct fake){.dir = "/tmp/tsujiban-ship-XXXXXX"};
	assert_non_null(mkdtemp(fake->dir));
	must(pki_key_new(&fake->ca_key, &why));
	must(pki_ca_new(buf_slice(&fake->ca_key), "test CA", clock_wall_ns() - 2 * HOUR_NS,
	        24 * HOUR_NS, &fake->ca_cert, &why));
	must(pki_key_new(&fake->server_key, &why));
	fake_sign(fake, buf_slice(&fake->server_key), "collector", true, clock_wall_ns() + HOUR_NS,
	        &fake->server_cert);
	must(tls_server_new(buf_slice(&fake->server_cert), buf_slice(&fake->server_key),
	        buf_slice(&fake->ca_cert), &fake->tls, &why));
	fake->loop = loop_new();
	must(listener_open(fake->loop, fake->tls, "127.0.0.1:0", 16, &FAKE_EVENTS, fake_accepted,
	        fake, &fake->listener, &why));
	snprintf(fake->address, sizeof(fake->address), "127.0.0.1:%u",
	        listener_port(fake->listener));
	fake->watchdog = timer_new(fake->loop, fake_is_late, fake);
	timer_start(fake->watchdog, PATIENT_MS, 0);
	must(state_open(fake->dir, &limits, &fake->state, &why));
}

static inline void fake_close(struct fake *fake)
{
	char command[128];
	if (fake->conn)
		conn_drop(fake->conn);
	listener_close(fake->listener);
	timer_free(fake->watchdog);
	loop_free(fake->loop);
	tls_context_free(fake->tls);
	state_close(fake->state);
	buf_fini(&fake->ca_key);
	buf_fini(&fake->ca_cert);
	buf_fini(&fake->server_key);
	buf_fini(&fake->server_cert);
	snprintf(command, sizeof(command), "rm -rf '%s'", fake->dir);
	assert_int_equal(system(command), 0);
}

/* Puts so many events into the spool. */
static inline void fake_spool(struct fake *fake, unsigned count)
{
	struct state_txn *txn;
	must(state_begin(fake->state, &txn, &why));
	for (unsigned i = 0; i < count; i++) {
		struct event event = {.time_ns = 1,
		        .kind = EVENT_AGENT,
		        .action = ACTION_STARTED,
		        .cause = CAUSE_LIVE,
		        .detail = slice_text("a test's event")};
		assert_int_equal(spool_append(txn, &event, NULL), 0);
	}
	must(state_commit(txn, &why));
}

#endif
