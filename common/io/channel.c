#include "common/io/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/mem.h"
#include "common/io/loop_private.h"

#define HEAD_BYTES 5
#define IDLE_BYTES 4096 /* of buffer that stays when nothing is under way */

struct channel {
	uv_pipe_t pipe;
	uv_write_t write;
	struct loop *loop;
	size_t most_bytes;
	const struct channel_events *events;
	void *ctx;
	struct buf input;   /* a message that is not whole yet */
	struct buf output;  /* what comes after … */
	struct buf writing; /* … what uv_write is busy with */
	bool is_writing;
	bool is_over; /* closed or freed: nothing is told any more */
};

int channel_pair(int out_fd[2])
{
	int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out_fd);
	return rc < 0 ? -errno : 0;
}

static void close_with(struct channel *channel, int code, const char *why)
{
	if (channel->is_over)
		return;
	channel->is_over = true;
	uv_read_stop((uv_stream_t *)&channel->pipe);
	channel->events->closed(channel->ctx, code, why);
}

/* --- in --------------------------------------------------------------------------------------- */

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct channel *channel = handle->data;
	struct loop *loop = channel->loop;
	(void)suggested;
	if (!loop->read_bytes)
		loop->read_bytes = mem_new(LOOP_READ_BYTES);
	*out = uv_buf_init(loop->read_bytes, LOOP_READ_BYTES);
}

/* 1: a whole message, behind which `in` stands then; 0: not yet; negative: it is too long. */
static int take_message(
        const struct channel *channel, struct slice *in, uint8_t *out_kind, struct slice *out)
{
	struct slice rest = *in;
	uint32_t len;
	if (!slice_take_u32(&rest, &len))
		return 0;
	if (len == 0 || len - 1 > channel->most_bytes)
		return ERR_LIMIT;
	if (!slice_take_byte(&rest, out_kind) || !slice_take(&rest, len - 1, out))
		return 0;
	*in = rest;
	return 1;
}

static void deliver(struct channel *channel)
{
	struct slice rest = buf_slice(&channel->input), payload;
	uint8_t kind;
	int rc = 0;
	while (!channel->is_over && (rc = take_message(channel, &rest, &kind, &payload)) > 0)
		channel->events->message(channel->ctx, kind, payload);
	if (rc < 0)
		close_with(channel, rc, "a message of the other half is too long");
	if (channel->is_over)
		return;
	buf_consume(&channel->input, channel->input.len - rest.len);
	if (channel->input.len == 0)
		buf_shrink(&channel->input, IDLE_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
	struct channel *channel = stream->data;
	if (len == 0 || channel->is_over)
		return;
	/* One that ends before it has read all that was written to it resets. */
	if (len == UV_EOF || len == UV_ECONNRESET) {
		close_with(channel, ERR_CLOSED, "the other half is gone");
		return;
	}
	if (len < 0) {
		close_with(channel, (int)len, err_text((int)len));
		return;
	}
	buf_append(&channel->input, bytes->base, (size_t)len);
	deliver(channel);
}

/* --- out -------------------------------------------------------------------------------------- */

static void begin_writing(struct channel *channel);

/* Of a write that failed the reading side tells: the other end is gone. */
static void on_written(uv_write_t *write, int status)
{
	struct channel *channel = write->data;
	channel->is_writing = false;
	buf_shrink(&channel->writing, IDLE_BYTES);
	buf_reset(&channel->writing);
	if (channel->is_over || status < 0)
		return;
	if (channel->output.len > 0)
		begin_writing(channel);
	else if (channel->events->drained)
		channel->events->drained(channel->ctx);
}

static void begin_writing(struct channel *channel)
{
	struct buf swap = channel->writing;
	channel->writing = channel->output;
	channel->output = swap;
	uv_buf_t piece = uv_buf_init((char *)channel->writing.data, (unsigned)channel->writing.len);
	channel->write.data = channel;
	channel->is_writing = uv_write(&channel->write, (uv_stream_t *)&channel->pipe, &piece, 1,
	                              on_written) == 0;
}

void channel_send(struct channel *channel, uint8_t kind, struct slice payload)
{
	if (channel->is_over)
		return;
	buf_append_u32(&channel->output, (uint32_t)payload.len + 1);
	buf_append_byte(&channel->output, kind);
	buf_append_slice(&channel->output, payload);
	if (!channel->is_writing)
		begin_writing(channel);
}

size_t channel_pending(const struct channel *channel)
{
	return channel->output.len + (channel->is_writing ? channel->writing.len : 0);
}

/* --- life ------------------------------------------------------------------------------------- */

struct channel *channel_new(struct loop *loop, int fd, size_t most_bytes,
        const struct channel_events *events, void *ctx)
{
	struct channel *channel = mem_new(sizeof *channel);
	channel->loop = loop;
	channel->most_bytes = most_bytes;
	channel->events = events;
	channel->ctx = ctx;
	loop_require(uv_pipe_init(&loop->uv, &channel->pipe, 0), "a channel");
	channel->pipe.data = channel;
	loop_require(uv_pipe_open(&channel->pipe, fd), "a channel");
	loop_require(
	        uv_read_start((uv_stream_t *)&channel->pipe, on_room_wanted, on_read), "a channel");
	return channel;
}

static void on_closed(uv_handle_t *handle)
{
	struct channel *channel = handle->data;
	buf_fini(&channel->input);
	buf_fini(&channel->output);
	buf_fini(&channel->writing);
	free(channel);
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	channel->is_over = true;
	uv_close((uv_handle_t *)&channel->pipe, on_closed);
}
