/*
 * conn - one connection that carries frames: TCP, TLS session and frame codec together.
 *
 * Life     outgoing: conn_connect; incoming: from a listener. Then `ready` once, `frame` any number
 *          of times, and `closed` exactly once, after which the conn is gone. conn_close undoes any
 *          state and leads to `closed` with code 0 (never from inside conn_close itself); conn_drop
 *          is the same without any further callback.
 * Owner    frees itself after `closed` or conn_drop; the frame's payload is borrowed for the call.
 * Limits   a frame is at most FRAME_LENGTH_MAX (or less: conn_limit_frames); a handshake that is
 *          not over after CONN_HANDSHAKE_MS is closed; frames that are not taken by the peer pile
 *          up to `conn_pending`: the user stops sending above its own limit and goes on at
 *          `drained`.
 * Errors   `closed` gets the code and the sentence, with the peer's address in it.
 * Thread   the loop's. Callbacks may call anything here, conn_drop on the same conn included.
 */
#ifndef TSUJIBAN_COMMON_IO_CONN_H
#define TSUJIBAN_COMMON_IO_CONN_H

#include "common/codec/frame.h"
#include "common/io/loop.h"
#include "common/io/tls.h"

#define CONN_HANDSHAKE_MS 10000

struct conn;
struct listener;

struct conn_events {
	/* The handshake is over. `peer` is NULL without a client certificate. */
	void (*ready)(void *ctx, struct conn *conn, const char *protocol,
	        const struct pki_cert_info *peer);
	void (*frame)(void *ctx, struct conn *conn, const struct frame *frame);
	/* Everything that was sent has gone to the kernel. May be NULL. */
	void (*drained)(void *ctx, struct conn *conn);
	void (*closed)(void *ctx, struct conn *conn, int code, const struct reason *why);
};

/* `address` is HOST:PORT, where HOST is a name (resolved off the loop), an IPv4 address or [IPv6].
 * All failures, a bad address too, come through `closed`. */
struct conn *conn_connect(struct loop *loop, struct tls_context *tls, const char *address,
        const struct conn_events *events, void *ctx);

/* Appends frames made with frame_append; goes out as one write at the end of the loop step. */
void conn_send(struct conn *conn, struct slice frames);
/* Bytes sent that the kernel has not taken yet. */
size_t conn_pending(const struct conn *conn);
/* Says what is still pending (for at most a second), close_notify, then closed(0). */
void conn_close(struct conn *conn);
void conn_drop(struct conn *conn);
/* No more frames until conn_resume: the peer feels it through TCP. */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);
/* "203.0.113.7:51234", for logs. Valid while the conn is. */
const char *conn_peer_address(const struct conn *conn);
/* The loop's time at which the last byte came from the peer, in ms. */
uint64_t conn_last_heard_ms(const struct conn *conn);
/* Since when the peer has been sending one frame that is not whole yet, in the loop's ms; 0: none.
 * A pause of ours does not count. */
uint64_t conn_unfinished_since_ms(const struct conn *conn);
/* Frames above `bytes` on the wire end the conn with ERR_LIMIT from now on. Those of an enrolment
 * are limited to 64 KiB without it. */
void conn_limit_frames(struct conn *conn, size_t bytes);
/* Who shares a number here is taken for one when connections are counted: the peer's IPv4 address,
 * or the first half of its IPv6 address. Incoming conns only. */
uint64_t conn_peer_network(const struct conn *conn);

/* Calls `accepted` for each new connection, before its handshake; it returns the conn's ctx, or
 * NULL to refuse it. Refuses by itself above `most` connections at once. -EADDRINUSE and the like
 * come with the address in the sentence. Port 0 takes a free one. */
int listener_open(struct loop *loop, struct tls_context *tls, const char *address, unsigned most,
        const struct conn_events *events, void *(*accepted)(void *ctx, struct conn *conn),
        void *ctx, struct listener **out, struct reason *out_why);
/* Stops listening; connections that were accepted stay. */
void listener_close(struct listener *listener);
unsigned listener_port(const struct listener *listener);
/* Connections handshaken from now on use this context. */
void listener_set_tls(struct listener *listener, struct tls_context *tls);

#endif
