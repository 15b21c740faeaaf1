#include "collector/http/http_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "common/base/log.h"
#include "common/base/mem.h"

#define REQUEST_BYTES  (64u << 10) /* of one request's decoded texts */
#define OUT_KEEP_BYTES (256u << 10)
#define COMMENT_MS     15000

/* --- life --------------------------------------------------------------------------- */

static struct exchange *exchange_new(
        struct http_server *server, struct lws *wsi, struct exchange **slot)
{
	struct exchange *self = mem_new(sizeof(*self));

	self->server = server;
	self->wsi = wsi;
	self->slot = slot;
	self->arena = arena_new(REQUEST_BYTES);
	self->request.internal = self;
	self->response = (struct http_response){.status = 200, .content_type = "application/json"};
	self->watch_fd = -1;
	DL_APPEND(server->exchanges, self);
	*slot = self;
	return self;
}

void exchange_free(struct exchange *self)
{
	if (!self)
		return;
	*self->slot = NULL;
	DL_DELETE(self->server->exchanges, self);
	if (self->response.finish)
		self->response.finish(self->response.ctx);
	fd_watch_free(self->watch);
	if (self->watch_fd >= 0)
		close(self->watch_fd);
	buf_fini(&self->response.body);
	buf_fini(&self->body);
	arena_free(self->arena);
	free(self);
}

/* The socket has something to read, or its end, while the client is being answered. */
static void cut_off(void *ctx)
{
	struct exchange *self = ctx;

	lws_set_timeout(self->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

static bool watch_client(struct exchange *self)
{
	if (self->watch)
		return true;
	self->watch_fd = fcntl(lws_get_socket_fd(self->wsi), F_DUPFD_CLOEXEC, 0);
	if (self->watch_fd < 0) {
		log_warn("cannot answer a client of the API: %s", err_text(-errno));
		return false;
	}
	self->watch = fd_watch_new(self->server->loop, self->watch_fd, cut_off, self);
	return true;
}

/* --- the request --------------------------------------------------------------------------- */

static void answer(struct exchange *self)
{
	self->is_answering = true;
	self->request.body = buf_slice(&self->body);
	if (self->route)
		self->route->handle(self->server->options.ctx, &self->request, &self->response);
	lws_callback_on_writable(self->wsi);
}

int exchange_begins(
        struct http_server *server, struct lws *wsi, struct exchange **slot, const char *path)
{
	uint64_t length = 0;

	exchange_free(*slot);
	struct exchange *self = exchange_new(server, wsi, slot);
	int status = request_read(self, path, &length);
	if (status)
		request_refuse(self, status);
	if (length > HTTP_DRAIN_BYTES)
		self->reply.closes = true;
	else if (length > 0)
		return 0; /* answered behind the body */
	answer(self);
	return 0;
}

int exchange_takes(struct exchange *self, const void *bytes, size_t len)
{
	if (!self || self->is_answering || !self->route)
		return 0;
	if (self->body.len + len > HTTP_BODY_BYTES)
		return -1;
	if (len > 0)
		buf_append(&self->body, bytes, len);
	return 0;
}

int exchange_is_asked(struct exchange *self)
{
	/* Told again when the client sends ahead, see watch_client. */
	if (self && !self->is_answering)
		answer(self);
	return 0;
}

/* --- the answer ---------------------------------------------------------------------------- */

static int finish_exchange(struct exchange *self)
{
	struct lws *wsi = self->wsi;
	bool closes = self->reply.closes;

	exchange_free(self);
	return closes || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static void wait_for_wake(struct exchange *self)
{
	self->waits = true;
	if (!timer_is_active(self->server->comments))
		timer_start(self->server->comments, COMMENT_MS, COMMENT_MS);
}

static int write_out(struct exchange *self, struct buf *out)
{
	size_t len = out->len - LWS_PRE;

	if (len == 0)
		return 0;
	return lws_write(self->wsi, out->data + LWS_PRE, len, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

int exchange_may_write(struct exchange *self)
{
	if (!self || !self->is_answering)
		return 0;
	if (self->is_over)
		return finish_exchange(self);

	struct buf *out = &self->server->out;
	buf_shrink(out, OUT_KEEP_BYTES);
	buf_reset(out);
	buf_reserve(out, LWS_PRE);
	out->len = LWS_PRE;
	enum http_more more = reply_next(&self->reply, &self->response, self->comment_due, out);
	self->comment_due = false;
	self->is_over = more == HTTP_END;
	if (write_out(self, out) < 0)
		return -1;
	if (self->is_over && !lws_partial_buffered(self->wsi))
		return finish_exchange(self);

	lws_set_timeout(self->wsi, PENDING_TIMEOUT_HTTP_CONTENT, HTTP_IDLE_S);
	if (!watch_client(self))
		return -1;
	if (more == HTTP_WAIT)
		wait_for_wake(self);
	else
		lws_callback_on_writable(self->wsi);
	return 0;
}
