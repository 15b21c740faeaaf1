/* The bytes of a connection: from the socket through TLS to frames, and back. */
#include <errno.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/io/conn_private.h"

/* One conn reads and encrypts this much in a loop step; then it is the others' turn. */
#define STEP_BYTES (256u << 10)
/* After a failed write: how long the peer's reason (an alert) may take to arrive. */
#define MUTE_MS 1000
/* Who enrols is not known yet: it may not make us hold more. A request has about 1 KiB. */
#define ENROLL_FRAME_MAX (64u << 10)

/* A fleet of idle conns holds no buffers. */
static void free_if_empty(struct buf *buf)
{
	if (buf->len == 0)
		buf_fini(buf);
}

/* --- in ------------------------------------------------------------------------------------ */

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct conn *conn = handle->data;
	struct loop *loop = conn->loop;

	(void)suggested;
	if (!loop->read_bytes)
		loop->read_bytes = mem_new(LOOP_READ_BYTES);
	*out = uv_buf_init(loop->read_bytes, LOOP_READ_BYTES);
}

static int64_t parse(struct conn *conn, struct slice in, struct frame *out, struct reason *out_why)
{
	int64_t len = frame_parse(in, out, out_why);

	if (len > (int64_t)conn->frame_max || (len == 0 && in.len > conn->frame_max))
		return fail(out_why, ERR_LIMIT, "a frame has more than %zu bytes", conn->frame_max);
	return len;
}

/* Whole frames in `bytes`; returns how many bytes they took. The state says whether the conn is
 * still there. */
static size_t deliver(struct conn *conn, struct slice bytes)
{
	struct slice rest = bytes;

	while (conn->state == CONN_OPEN && !conn->is_paused && rest.len > 0) {
		struct frame frame;
		struct reason why;
		int64_t len = parse(conn, rest, &frame, &why);

		if (len == 0)
			break;
		if (len < 0) {
			conn_fail(conn, (int)len, "connection with '%s' is broken: %s",
			        conn->address, why.text);
			break;
		}
		rest.ptr += len;
		rest.len -= (size_t)len;
		conn->unfinished_since_ms = 0;
		conn->had_frame = true;
		conn->events->frame(conn->ctx, conn, &frame);
	}
	return bytes.len - rest.len;
}

void conn_deliver(struct conn *conn)
{
	if (conn->input.len == 0)
		return;
	size_t done = deliver(conn, buf_slice(&conn->input));
	if (conn->state == CONN_ENDED)
		return;
	buf_consume(&conn->input, done);
	free_if_empty(&conn->input);
}

static void become_open(struct conn *conn)
{
	struct pki_cert_info peer;
	int code = tls_session_peer(conn->tls, &peer);

	if (code < 0 && code != ERR_MISSING) {
		conn_fail(conn, ERR_TLS,
		        "handshake with '%s' failed: its certificate has no name "
		        "or serial number that can be used",
		        conn->address);
		return;
	}
	/* The deadline of a failed write stays. */
	if (!conn->is_mute) {
		timer_free(conn->deadline);
		conn->deadline = NULL;
	}
	conn->state = CONN_OPEN;
	if (strcmp(tls_session_protocol(conn->tls), TLS_ALPN_ENROLL) == 0)
		conn->frame_max = ENROLL_FRAME_MAX;
	if (conn->is_paused)
		conn_stop_reading(conn);
	conn->events->ready(
	        conn->ctx, conn, tls_session_protocol(conn->tls), code == 0 ? &peer : NULL);
}

/* TLS has failed, or the peer has said goodbye. Frames that wait for a pause to end come first. */
static void end_stream(struct conn *conn, int code, const struct reason *why)
{
	struct reason sentence;

	if (code == ERR_CLOSED)
		fail(&sentence, code, "'%s' closed the connection", conn->address);
	else
		fail(&sentence, code, "%s with '%s' failed: %s",
		        conn->state == CONN_HANDSHAKE ? "handshake" : "connection", conn->address,
		        why->text);
	conn_say_last_words(conn);
	if (conn->state == CONN_OPEN && conn->is_paused) {
		conn_stop_reading(conn);
		conn_set_fate(conn, code, &sentence);
		return;
	}
	conn_end(conn, code, &sentence);
}

static void take_in(struct conn *conn, struct slice bytes)
{
	/* Most reads begin and end with a whole frame: those never touch the conn's own buffer. */
	struct buf *plain = conn->input.len > 0 ? &conn->input : &conn->loop->plain;
	struct reason why;

	if (plain == &conn->loop->plain)
		buf_reset(plain);
	int code = tls_session_feed(conn->tls, bytes, plain, &why);
	if (conn->state == CONN_HANDSHAKE && tls_session_is_ready(conn->tls) &&
	        (code == 0 || code == ERR_CLOSED))
		become_open(conn);
	if (plain == &conn->input) {
		conn_deliver(conn);
	} else {
		size_t done = deliver(conn, buf_slice(plain));
		if (conn->state != CONN_ENDED && done < plain->len)
			buf_append(&conn->input, plain->data + done, plain->len - done);
	}
	if (code < 0 && conn->state != CONN_ENDED && conn->state != CONN_CLOSING)
		end_stream(conn, code, &why);
}

static void fail_read(struct conn *conn, int code)
{
	bool is_handshake = conn->state == CONN_HANDSHAKE;

	if (conn->state == CONN_CLOSING)
		conn_end(conn, 0, NULL);
	else if (conn->fate)
		conn_end(conn, conn->fate_code, conn->fate);
	else if (code == UV_EOF)
		conn_fail(conn, ERR_CLOSED, "'%s' closed the connection%s", conn->address,
		        is_handshake ? " during the handshake" : " without a goodbye");
	else
		conn_fail(conn, code, "%s with '%s' failed: %s",
		        is_handshake ? "handshake" : "connection", conn->address, err_text(code));
}

/* Bytes that have not ended a frame have begun one, be it within a TLS record. What stays in
 * `input` behind a whole one has begun now. */
static void note_unfinished(struct conn *conn)
{
	bool has_begun = conn->input.len > 0 || !conn->had_frame;

	if (conn->state == CONN_OPEN && !conn->is_paused && has_begun &&
	        conn->unfinished_since_ms == 0)
		conn->unfinished_since_ms = conn->last_heard_ms;
	conn->had_frame = false;
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
	struct conn *conn = stream->data;

	if (len == 0 || conn->state == CONN_ENDED)
		return;
	if (len < 0) {
		fail_read(conn, (int)len);
		return;
	}
	if (conn->state == CONN_CLOSING)
		return;
	conn->last_heard_ms = uv_now(&conn->loop->uv);
	conn->step_bytes += (size_t)len;
	take_in(conn, slice_of(bytes->base, (size_t)len));
	if (conn->state == CONN_ENDED)
		return;
	note_unfinished(conn);
	/* The end of the step starts it again. */
	if (conn->step_bytes >= STEP_BYTES)
		conn_stop_reading(conn);
	conn_step_later(conn);
}

void conn_start_reading(struct conn *conn)
{
	if (conn->is_reading)
		return;
	int code = uv_read_start((uv_stream_t *)&conn->tcp, on_room_wanted, on_read);
	if (code == 0)
		conn->is_reading = true;
	else
		fail_read(conn, code);
}

void conn_stop_reading(struct conn *conn)
{
	if (!conn->is_reading)
		return;
	uv_read_stop((uv_stream_t *)&conn->tcp);
	conn->is_reading = false;
}

/* --- out ----------------------------------------------------------------------------------- */

bool conn_is_flushed(const struct conn *conn)
{
	return !conn->is_writing && conn->output.len == 0;
}

/* The peer may have said why before it closed, so reading goes on for a moment. */
static void fail_write(struct conn *conn, int code)
{
	struct reason sentence;

	fail(&sentence, code, "%s with '%s' failed: %s",
	        conn->state == CONN_HANDSHAKE ? "handshake" : "connection", conn->address,
	        err_text(code));
	conn->is_mute = true;
	conn->is_sending = false;
	buf_fini(&conn->output);
	if (conn->state == CONN_OPEN || conn->state == CONN_HANDSHAKE) {
		conn_set_fate(conn, code, &sentence);
		conn_set_deadline(conn, MUTE_MS);
	}
	conn_step_later(conn);
}

static void on_written(uv_write_t *write, int status)
{
	struct conn *conn = write->data;

	conn->is_writing = false;
	buf_fini(&conn->writing);
	if (conn->state == CONN_ENDED)
		return;
	if (status < 0)
		fail_write(conn, status);
	else
		conn_step_later(conn);
}

/* What the kernel does not take at once waits in the conn's own buffer. */
static void write_bytes(struct conn *conn, struct slice bytes)
{
	uv_buf_t piece = uv_buf_init((char *)bytes.ptr, (unsigned)bytes.len);
	int put = uv_try_write((uv_stream_t *)&conn->tcp, &piece, 1);

	if (put < 0 && put != UV_EAGAIN) {
		fail_write(conn, put);
		return;
	}
	size_t done = put < 0 ? 0 : (size_t)put;
	if (done == bytes.len)
		return;
	buf_append(&conn->writing, bytes.ptr + done, bytes.len - done);
	piece = uv_buf_init((char *)conn->writing.data, (unsigned)conn->writing.len);
	int code = uv_write(&conn->write, (uv_stream_t *)&conn->tcp, &piece, 1, on_written);
	if (code == 0)
		conn->is_writing = true;
	else
		fail_write(conn, code);
}

/* The next piece of the output, encrypted, with whatever TLS has to say itself. */
static struct slice next_bytes(struct conn *conn, size_t *done)
{
	struct buf *cipher = &conn->loop->cipher;
	size_t len = conn->output.len > *done ? conn->output.len - *done : 0;

	if (len > STEP_BYTES)
		len = STEP_BYTES;
	if (len > 0 && tls_session_is_ready(conn->tls)) {
		struct reason why;
		int code = tls_session_write(
		        conn->tls, slice_of(conn->output.data + *done, len), &why);
		if (code == 0)
			*done += len;
		else if (code == ERR_PROTOCOL)
			buf_fini(&conn->output); /* TLS has failed, and the end is being told */
		else
			fail_write(conn, code);
	}
	buf_reset(cipher);
	tls_session_take(conn->tls, cipher);
	return buf_slice(cipher);
}

void conn_flush(struct conn *conn)
{
	size_t done = 0;

	while (!conn->is_writing && !conn->is_mute) {
		struct slice bytes = next_bytes(conn, &done);

		if (bytes.len == 0)
			break;
		write_bytes(conn, bytes);
	}
	buf_consume(&conn->output, done);
	free_if_empty(&conn->output);
	if (conn->state != CONN_OPEN || !conn->is_sending || !conn_is_flushed(conn))
		return;
	conn->is_sending = false;
	if (conn->events->drained)
		conn->events->drained(conn->ctx, conn);
}

void conn_say_last_words(struct conn *conn)
{
	size_t done = 0;

	if (conn->is_writing || conn->is_mute)
		return;
	for (;;) {
		struct slice bytes = next_bytes(conn, &done);
		uv_buf_t piece = uv_buf_init((char *)bytes.ptr, (unsigned)bytes.len);

		if (bytes.len == 0 && conn->said_goodbye)
			break;
		if (bytes.len == 0) {
			conn->said_goodbye = true;
			tls_session_close(conn->tls);
		} else if (uv_try_write((uv_stream_t *)&conn->tcp, &piece, 1) != (int)bytes.len) {
			break;
		}
	}
	buf_consume(&conn->output, done);
}
