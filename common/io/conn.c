#include "common/io/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/conn_private.h"

/* How long a conn that is being closed waits for its bytes to leave and for the peer's end. */
#define CLOSING_MS 1000
/* Seconds of silence until TCP asks whether the peer is still there. */
#define KEEPALIVE_S 60

/* --- the end ------------------------------------------------------------------------------- */

static void free_conn(struct conn *conn)
{
	tls_session_free(conn->tls);
	dial_free(conn->dial);
	buf_fini(&conn->input);
	buf_fini(&conn->output);
	buf_fini(&conn->writing);
	free(conn->fate);
	free(conn->address);
	free(conn);
}

void conn_on_handle_closed(uv_handle_t *handle)
{
	struct conn *conn = handle->data;

	if (conn->state == CONN_ENDED)
		free_conn(conn);
	else
		dial_next(conn->dial);
}

/* Undoes any state. */
static void undo(struct conn *conn)
{
	conn->state = CONN_ENDED;
	loop_later_cancel(&conn->step);
	timer_free(conn->deadline);
	conn->deadline = NULL;
	if (conn->dial)
		dial_cancel(conn->dial);
	if (conn->listener)
		listener_forget(conn->listener);
	conn->listener = NULL;
	/* Closing already: between two tries of a dial. */
	if (!uv_is_closing((uv_handle_t *)&conn->tcp))
		uv_close((uv_handle_t *)&conn->tcp, conn_on_handle_closed);
}

void conn_end(struct conn *conn, int code, const struct reason *why)
{
	static const struct reason none = {""};

	if (conn->state == CONN_ENDED)
		return;
	undo(conn);
	conn->events->closed(conn->ctx, conn, code, why ? why : &none);
}

void conn_fail(struct conn *conn, int code, const char *format, ...)
{
	struct reason why;
	struct buf sentence = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_vprintf(&sentence, format, args);
	va_end(args);
	fail(&why, code, "%s", buf_text(&sentence));
	buf_fini(&sentence);
	conn_end(conn, code, &why);
}

void conn_set_fate(struct conn *conn, int code, const struct reason *why)
{
	if (conn->fate)
		return;
	conn->fate = mem_copy(why, sizeof(*why));
	conn->fate_code = code;
}

/* --- deadlines ----------------------------------------------------------------------------- */

static void on_deadline(void *ctx)
{
	struct conn *conn = ctx;

	switch (conn->state) {
	case CONN_DIALING:
		dial_time_out(conn->dial);
		return;
	case CONN_HANDSHAKE:
		if (conn->fate) {
			conn_end(conn, conn->fate_code, conn->fate);
			return;
		}
		conn_fail(conn, -ETIMEDOUT, "handshake with '%s' is not over after %d s",
		        conn->address, CONN_HANDSHAKE_MS / 1000);
		return;
	case CONN_OPEN:
		conn_end(conn, conn->fate_code, conn->fate);
		return;
	default:
		conn_end(conn, 0, NULL);
	}
}

void conn_set_deadline(struct conn *conn, uint64_t after_ms)
{
	if (!conn->deadline)
		conn->deadline = timer_new(conn->loop, on_deadline, conn);
	timer_start(conn->deadline, after_ms, 0);
}

/* --- the steps of a life ------------------------------------------------------------------- */

/* Everything has been written: says goodbye and waits for the peer's end, reading what still comes
 * in. Closing with unread bytes would make the kernel send a reset, which may overtake the last
 * frames. */
static void close_further(struct conn *conn)
{
	uv_os_fd_t fd;

	if (conn->is_mute || !tls_session_is_ready(conn->tls)) {
		conn_end(conn, 0, NULL);
		return;
	}
	if (conn_is_flushed(conn) && !conn->said_goodbye) {
		conn->said_goodbye = true;
		tls_session_close(conn->tls);
		conn_flush(conn);
		if (conn->state == CONN_ENDED)
			return;
	}
	if (conn_is_flushed(conn) && uv_fileno((uv_handle_t *)&conn->tcp, &fd) == 0)
		shutdown(fd, SHUT_WR);
	conn_start_reading(conn);
}

static void run_step(void *ctx)
{
	struct conn *conn = ctx;

	conn->step_bytes = 0;
	if (conn->state == CONN_NEW && !conn->fate) {
		dial_start(conn->dial);
		return;
	}
	if (conn->state == CONN_OPEN)
		conn_deliver(conn);
	if (conn->state >= CONN_HANDSHAKE && conn->state <= CONN_CLOSING)
		conn_flush(conn);
	if (conn->state == CONN_CLOSING)
		close_further(conn);
	if (conn->state == CONN_ENDED)
		return;
	bool is_held = conn->is_mute || (conn->state == CONN_OPEN && conn->is_paused);
	if (conn->fate && !is_held)
		conn_end(conn, conn->fate_code, conn->fate);
	if (conn->state == CONN_HANDSHAKE || (conn->state == CONN_OPEN && !conn->is_paused))
		conn_start_reading(conn);
}

void conn_step_later(struct conn *conn)
{
	loop_later(conn->loop, &conn->step);
}

struct conn *conn_new(struct loop *loop, const struct conn_events *events, void *ctx)
{
	struct conn *conn = mem_new(sizeof(*conn));

	conn->loop = loop;
	conn->events = events;
	conn->ctx = ctx;
	conn->step = (struct later){.run = run_step, .ctx = conn};
	conn->last_heard_ms = uv_now(&loop->uv);
	conn->frame_max = FRAME_LENGTH_MAX;
	uv_tcp_init(&loop->uv, &conn->tcp);
	conn->tcp.data = conn;
	conn->write.data = conn;
	return conn;
}

void conn_begin(struct conn *conn)
{
	conn->state = CONN_HANDSHAKE;
	uv_tcp_nodelay(&conn->tcp, 1);
	uv_tcp_keepalive(&conn->tcp, 1, KEEPALIVE_S);
	conn_set_deadline(conn, CONN_HANDSHAKE_MS);
	conn_start_reading(conn);
	conn_step_later(conn);
}

/* --- for the user -------------------------------------------------------------------------- */

/* A zone ("fe80::1%eth0") says which interface, not who it is. */
static int new_session(struct conn *conn, struct tls_context *tls, const struct address *address,
        struct reason *out_why)
{
	char name[ADDRESS_HOST_MAX];

	memcpy(name, address->host, sizeof(name));
	name[strcspn(name, "%")] = '\0';
	return tls_session_new(tls, name, &conn->tls, out_why);
}

struct conn *conn_connect(struct loop *loop, struct tls_context *tls, const char *address,
        const struct conn_events *events, void *ctx)
{
	struct conn *conn = conn_new(loop, events, ctx);
	struct address parsed;
	struct buf shown = BUF_INIT;
	struct reason why;

	text_append_display(&shown, slice_text(address));
	conn->address = mem_copy_text(shown.data, shown.len);
	buf_fini(&shown);
	int code = address_parse(address, &parsed, &why);
	if (code == 0)
		code = new_session(conn, tls, &parsed, &why);
	if (code == 0) {
		conn->dial = dial_new(conn, &parsed);
	} else {
		struct reason sentence;

		fail(&sentence, code, "cannot connect: %s", why.text);
		conn_set_fate(conn, code, &sentence);
	}
	conn_step_later(conn);
	return conn;
}

void conn_send(struct conn *conn, struct slice frames)
{
	if (conn->state >= CONN_CLOSING || conn->is_mute || frames.len == 0)
		return;
	buf_append_slice(&conn->output, frames);
	conn->is_sending = true;
	conn_step_later(conn);
}

size_t conn_pending(const struct conn *conn)
{
	return conn->output.len + uv_stream_get_write_queue_size((const uv_stream_t *)&conn->tcp);
}

void conn_close(struct conn *conn)
{
	if (conn->state >= CONN_CLOSING)
		return;
	/* What went wrong before is not told any more. */
	free(conn->fate);
	conn->fate = NULL;
	if (conn->state == CONN_OPEN) {
		conn->state = CONN_CLOSING;
		conn_set_deadline(conn, CLOSING_MS);
	} else {
		/* Nothing can be said yet, so nothing is waited for. */
		static const struct reason none = {""};

		conn->is_mute = false;
		conn_set_fate(conn, 0, &none);
	}
	conn_step_later(conn);
}

void conn_drop(struct conn *conn)
{
	if (!conn || conn->state == CONN_ENDED)
		return;
	if (conn->state == CONN_OPEN || conn->state == CONN_CLOSING)
		conn_say_last_words(conn);
	undo(conn);
}

void conn_pause(struct conn *conn)
{
	conn->is_paused = true;
	conn->unfinished_since_ms = 0;
	if (conn->state == CONN_OPEN)
		conn_stop_reading(conn);
}

void conn_resume(struct conn *conn)
{
	conn->is_paused = false;
	if (conn->state == CONN_OPEN)
		conn_step_later(conn);
}

const char *conn_peer_address(const struct conn *conn)
{
	return conn->address;
}

uint64_t conn_last_heard_ms(const struct conn *conn)
{
	return conn->last_heard_ms;
}

uint64_t conn_unfinished_since_ms(const struct conn *conn)
{
	return conn->unfinished_since_ms;
}

void conn_limit_frames(struct conn *conn, size_t bytes)
{
	conn->frame_max = bytes;
}

uint64_t conn_peer_network(const struct conn *conn)
{
	return conn->network;
}
