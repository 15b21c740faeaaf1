/*
 * conn_private - the connection's inside, for the files that tell its parts:
 *
 *   conn.c         its life
 *   conn_stream.c  its bytes
 *   conn_dial.c    how an outgoing one finds its peer
 *   listener.c     incoming ones
 *
 *   NEW ── dial ──► DIALING ──► HANDSHAKE ──► OPEN ──► CLOSING ──► ENDED
 *   └── accepted ───────────────►┘            any state ── end, drop ──►┘
 *
 * ENDED is told to the user already; the memory goes when libuv has closed the handle, so that
 * every function may look at the state after a callback.
 */
#ifndef TSUJIBAN_COMMON_IO_CONN_PRIVATE_H
#define TSUJIBAN_COMMON_IO_CONN_PRIVATE_H

#include "common/io/address.h"
#include "common/io/conn.h"
#include "common/io/loop_private.h"

enum conn_state {
	CONN_NEW,
	CONN_DIALING,
	CONN_HANDSHAKE,
	CONN_OPEN,
	CONN_CLOSING,
	CONN_ENDED,
};

struct dial;

struct conn {
	uv_tcp_t tcp;
	uv_write_t write;
	struct later step; /* what is due at the end of the loop step */
	struct loop *loop;
	struct tls_session *tls;
	const struct conn_events *events;
	void *ctx;
	struct dial *dial;         /* outgoing, until connected */
	struct listener *listener; /* incoming, until ended */
	struct timer *deadline;    /* while there is one */
	char *address;

	struct buf input;   /* plain: a frame that is not whole yet, or frames while paused */
	struct buf output;  /* plain: not encrypted yet */
	struct buf writing; /* encrypted: what uv_write is busy with */
	size_t step_bytes;  /* read in this loop step */
	uint64_t last_heard_ms;
	uint64_t unfinished_since_ms; /* 0: no frame has begun */
	size_t frame_max;
	uint64_t network;

	/* An end that is decided but cannot be told yet. */
	struct reason *fate;
	int fate_code;

	enum conn_state state;
	bool is_paused;
	bool is_reading;
	bool is_writing;
	bool is_sending; /* something was sent and `drained` is owed */
	bool is_mute;    /* writing failed; reading may still tell why */
	bool said_goodbye;
	bool had_frame; /* a whole one, in this read */
};

/* --- conn.c -------------------------------------------------------------------------------- */

struct conn *conn_new(struct loop *loop, const struct conn_events *events, void *ctx);
/* Ends it and tells the user; the conn may be looked at, but nothing else, afterwards. */
void conn_end(struct conn *conn, int code, const struct reason *why);
/* The same with a sentence of its own. */
void conn_fail(struct conn *conn, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Decides the end; who calls it sees to that it will be told. */
void conn_set_fate(struct conn *conn, int code, const struct reason *why);
void conn_set_deadline(struct conn *conn, uint64_t after_ms);
/* The peer is reached: begins the handshake. */
void conn_begin(struct conn *conn);
/* uv_close's callback for conn->tcp. */
void conn_on_handle_closed(uv_handle_t *handle);
/* At the end of the loop step. */
void conn_step_later(struct conn *conn);

/* --- conn_stream.c ------------------------------------------------------------------------- */

void conn_start_reading(struct conn *conn);
void conn_stop_reading(struct conn *conn);
/* Gives whole frames in `input` to the user, as long as the state and a pause allow. */
void conn_deliver(struct conn *conn);
/* Encrypts and writes as much as the kernel takes. */
void conn_flush(struct conn *conn);
/* Nothing is left to encrypt or to write. */
bool conn_is_flushed(const struct conn *conn);
/* What the kernel takes at once of pending bytes, alert and goodbye: the handle closes next. */
void conn_say_last_words(struct conn *conn);

/* --- conn_dial.c --------------------------------------------------------------------------- */

struct dial *dial_new(struct conn *conn, const struct address *address);
void dial_start(struct dial *dial);
/* The handle of the last try is closed: the next one. */
void dial_next(struct dial *dial);
void dial_time_out(struct dial *dial);
/* The conn has ended: no more tries. */
void dial_cancel(struct dial *dial);
void dial_free(struct dial *dial);

/* --- listener.c ---------------------------------------------------------------------------- */

/* An accepted conn has ended. */
void listener_forget(struct listener *listener);

#endif
