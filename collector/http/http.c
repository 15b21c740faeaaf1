/*
 * One exchange is one request and its answer; it hangs in the connection's libwebsockets user space
 * and ends in exchange_free, whatever ended it.
 *
 * What libwebsockets 4.1.6 asks for, each found in its source and tried:
 *
 * - While an answer is on its way (LRS_DOING_TRANSACTION) it polls the client's socket for reading
 *   and does not read: a client that hangs up or sends ahead makes the loop spin. Its flow control
 *   would stop writing too. So an answer of more than one step watches the socket through a
 *   descriptor of its own, and a client that says anything while it is being answered is cut off.
 * - What OpenSSL holds of a record that was read in part is read on only with the next event on the
 *   socket, if there is one: so its buffer takes a whole record (16 KiB, RFC 8446 section 5.1).
 * - A POST without a length is taken for 100 MB of body: the connection is closed behind the answer.
 * - With a foreign loop, lws_context_destroy only starts to close; the context may be freed by a
 *   second call once the handles' close callbacks have run: sockets in one step of the loop, its own
 *   timer and idle handle in the next.
 */
#include "collector/http/http.h"

#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "collector/http/listen.h"
#include "collector/http/reply.h"
#include "collector/http/route.h"
#include "collector/query/render.h"
#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/file.h"
#include "common/io/pki.h"

#define HEAD_BYTES    8192
#define BODY_BYTES    (64u << 10)
#define DRAIN_BYTES   (1u << 20) /* of a refused body are read, so that the refusal is heard */
#define PARAMS_MAX    32
#define REQUEST_BYTES (64u << 10) /* of one request's decoded texts */
#define HANDSHAKE_S   10          /* TLS, and each part of a request */
#define IDLE_S        60          /* between requests, and for a client that does not read */
#define COMMENT_MS    15000
#define OPENING_STEPS 2
#define CLOSING_STEPS 4
#define SERVICE_BYTES (20u << 10)
#define PEM_BYTES     (64u << 10)
#define SPARE_FDS     16 /* libwebsockets' own, and sockets that are being closed */

/* Suites that TLS 1.2 brought (RFC 5288, RFC 7905): older versions have none to agree on. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

struct param {
	struct slice name, value;
};

struct exchange {
	struct http_server *server;
	struct lws *wsi;
	struct exchange **slot; /* where libwebsockets keeps it */
	struct exchange *prev, *next;

	const struct http_route *route; /* NULL: refused, the response says why */
	struct http_request request;
	struct arena *arena;
	struct slice authorization, last_event_id;
	struct param param[PARAMS_MAX];
	size_t param_count;
	struct buf body;

	struct http_response response;
	struct reply reply;
	bool is_answering; /* the request is whole */
	bool is_over;      /* all is written, but perhaps not taken by the kernel */
	bool waits;        /* for http_wake */
	bool comment_due;
	struct fd_watch *watch; /* on watch_fd, a duplicate of the socket */
	int watch_fd;
};

struct http_server {
	struct loop *loop;
	struct http_options options;
	struct lws_context *lws;
	struct lws_vhost *vhost;
	struct listen *listen;
	struct timer *comments; /* runs while something waits */
	struct timer *stepping; /* while it closes */
	unsigned steps_left;
	struct exchange *exchanges;
	unsigned connections;
	struct buf out;
};

/* libwebsockets has one log for the process; what it says of a peer interests only when looked for,
 * and its last error is the reason when it cannot start. */
static char last_error[200];

static void note_log_line(int level, const char *line)
{
	int len = (int)strcspn(line, "\n");

	if (level == LLL_ERR)
		snprintf(last_error, sizeof(last_error), "%.*s", len, line);
	log_debug("libwebsockets: %.*s", len, line);
}

/* --- an exchange --------------------------------------------------------------------------- */

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

static void exchange_free(struct exchange *self)
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

/* --- reading a request --------------------------------------------------------------------- */

static const char *method_of(struct lws *wsi)
{
	static const struct {
		enum lws_token_indexes token;
		const char *name;
	} methods[] = {
	        {WSI_TOKEN_GET_URI, "GET"},
	        {WSI_TOKEN_POST_URI, "POST"},
	        {WSI_TOKEN_HEAD_URI, "HEAD"},
	        {WSI_TOKEN_PUT_URI, "PUT"},
	        {WSI_TOKEN_DELETE_URI, "DELETE"},
	};
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (lws_hdr_total_length(wsi, methods[i].token) > 0)
			return methods[i].name;
	return "?";
}

/* Copies a header that libwebsockets knows; absent when it is not there. */
static struct slice take_known(struct exchange *self, enum lws_token_indexes token)
{
	char text[HEAD_BYTES];
	int len = lws_hdr_copy(self->wsi, text, sizeof(text), token);

	return len > 0 ? arena_copy(self->arena, slice_of(text, (size_t)len)) : slice_of(NULL, 0);
}

static struct slice take_custom(struct exchange *self, const char *name_and_colon)
{
	char text[HEAD_BYTES];
	int len = lws_hdr_custom_copy(
	        self->wsi, text, sizeof(text), name_and_colon, (int)strlen(name_and_colon));

	return len > 0 ? arena_copy(self->arena, slice_of(text, (size_t)len)) : slice_of(NULL, 0);
}

/* libwebsockets has split them at '&' and decoded each. */
static bool take_params(struct exchange *self)
{
	char text[HEAD_BYTES];

	for (int i = 0;; i++) {
		int len = lws_hdr_copy_fragment(
		        self->wsi, text, sizeof(text), WSI_TOKEN_HTTP_URI_ARGS, i);
		if (len < 0)
			return true;
		if (len == 0)
			continue;
		if (self->param_count == PARAMS_MAX)
			return false;
		struct param *param = &self->param[self->param_count++];
		struct slice copy = arena_copy(self->arena, slice_of(text, (size_t)len));
		if (!text_split(copy, '=', &param->name, &param->value))
			*param = (struct param){copy, slice_of(copy.ptr + copy.len, 0)};
	}
}

/* The length of the body to come; false: it cannot be known, or is no number. */
static bool take_length(struct exchange *self, uint64_t *out)
{
	struct slice text = take_known(self, WSI_TOKEN_HTTP_CONTENT_LENGTH);

	*out = 0;
	if (lws_hdr_total_length(self->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
		return false;
	if (!text.ptr) {
		self->reply.closes |= strcmp(self->request.method, "GET") != 0;
		return true;
	}
	return text_parse_u64(text, UINT64_MAX, out);
}

static void refuse(struct exchange *self, int status)
{
	static const struct {
		int status;
		const char *why;
	} reasons[] = {{401, "token refused"}, {403, "this needs an admin token"},
	        {404, "no such resource"}, {405, "not with this method"},
	        {400, "bad request: query or length"}, {413, "body too large"}};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			http_fail(&self->response, status, "%s", reasons[i].why);
	self->route = NULL;
}

/* Route and role are settled by the head alone, so that nobody can make us keep a body for
 * nothing. Returns the status to refuse with, or 0. */
static int admit(struct exchange *self, const char *path, uint64_t length)
{
	struct http_server *server = self->server;
	int status = 0;

	self->request.path = arena_text(self->arena, slice_text(path));
	self->authorization = take_known(self, WSI_TOKEN_HTTP_AUTHORIZATION);
	self->last_event_id = take_custom(self, "last-event-id:");
	if (!self->request.path || !take_params(self))
		return 400;
	self->route = route_find(server->options.routes, self->request.method, self->request.path,
	        &self->request.tail, &status);
	if (!self->route)
		return status;
	struct slice token = route_bearer(self->authorization);
	if (token.len)
		self->request.role = server->options.authorize(server->options.ctx, token);
	status = route_refuses(self->route, self->request.role);
	return status ? status : length > BODY_BYTES ? 413 : 0;
}

static void answer(struct exchange *self)
{
	self->is_answering = true;
	self->request.body = buf_slice(&self->body);
	if (self->route)
		self->route->handle(self->server->options.ctx, &self->request, &self->response);
	lws_callback_on_writable(self->wsi);
}

static int request_begins(
        struct http_server *server, struct lws *wsi, struct exchange **slot, const char *path)
{
	char peer[64] = "";
	uint64_t length = 0;

	exchange_free(*slot);
	struct exchange *self = exchange_new(server, wsi, slot);
	self->request.method = method_of(wsi);
	self->request.tail = "";
	self->reply.is_head = strcmp(self->request.method, "HEAD") == 0;
	self->reply.is_old = !slice_is(take_known(self, WSI_TOKEN_HTTP), "HTTP/1.1");
	lws_get_peer_simple(wsi, peer, sizeof(peer));
	self->request.peer = arena_text(self->arena, slice_text(peer));

	bool knows_length = take_length(self, &length);
	int status = knows_length ? admit(self, path, length) : 400;
	if (status)
		refuse(self, status);
	if (!knows_length || length > DRAIN_BYTES)
		self->reply.closes = true; /* what comes is not read */
	else if (length > 0)
		return 0; /* answered behind the body */
	answer(self);
	return 0;
}

static int body_arrives(struct exchange *self, const void *bytes, size_t len)
{
	if (!self || self->is_answering || !self->route)
		return 0;
	if (self->body.len + len > BODY_BYTES)
		return -1;
	if (len > 0)
		buf_append(&self->body, bytes, len);
	return 0;
}

static int request_ends(struct exchange *self)
{
	/* Told again when the client sends ahead, see watch_client. */
	if (self && !self->is_answering)
		answer(self);
	return 0;
}

struct slice http_param(const struct http_request *request, const char *name)
{
	const struct exchange *self = request->internal;

	for (size_t i = 0; i < self->param_count; i++)
		if (slice_is(self->param[i].name, name))
			return self->param[i].value;
	return slice_of(NULL, 0);
}

struct slice http_header(const struct http_request *request, const char *name)
{
	const struct exchange *self = request->internal;

	if (strcmp(name, "authorization") == 0)
		return self->authorization;
	if (strcmp(name, "last-event-id") == 0)
		return self->last_event_id;
	return slice_of(NULL, 0);
}

void http_fail(struct http_response *response, int status, const char *format, ...)
{
	struct buf text = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	response->status = status;
	response->content_type = "application/json";
	buf_reset(&response->body);
	buf_append_text(&response->body, "{\"error\":");
	render_text(&response->body, buf_slice(&text));
	buf_append_text(&response->body, "}\n");
	buf_fini(&text);
}

/* --- writing the answer -------------------------------------------------------------------- */

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

static int send_more(struct exchange *self)
{
	if (!self || !self->is_answering)
		return 0;
	if (self->is_over)
		return finish_exchange(self);

	struct buf *out = &self->server->out;
	buf_shrink(out, 256u << 10);
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

	lws_set_timeout(self->wsi, PENDING_TIMEOUT_HTTP_CONTENT, IDLE_S);
	if (!watch_client(self))
		return -1;
	if (more == HTTP_WAIT)
		wait_for_wake(self);
	else
		lws_callback_on_writable(self->wsi);
	return 0;
}

void http_wake(struct http_server *server)
{
	struct exchange *each;

	DL_FOREACH(server->exchanges, each)
	{
		if (!each->waits)
			continue;
		each->waits = false;
		lws_callback_on_writable(each->wsi);
	}
}

/* Shows a dead client, and keeps proxies from taking a silent stream for one. */
static void send_comments(void *ctx)
{
	struct http_server *server = ctx;
	struct exchange *each;
	bool any = false;

	DL_FOREACH(server->exchanges, each)
	{
		if (!each->waits)
			continue;
		any = true;
		each->comment_due = true;
		lws_callback_on_writable(each->wsi);
	}
	if (!any)
		timer_stop(server->comments);
}

/* --- connections --------------------------------------------------------------------------- */

static int on_http(
        struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct http_server *server = lws_context_user(lws_get_context(wsi));
	struct exchange **slot = user;

	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return request_begins(server, wsi, slot, in);
	case LWS_CALLBACK_HTTP_BODY:
		return body_arrives(*slot, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return request_ends(*slot);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return slot ? send_more(*slot) : 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return -1;
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
	case LWS_CALLBACK_CLOSED_HTTP:
		if (slot)
			exchange_free(*slot);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		if (lws_get_opaque_user_data(wsi))
			server->connections--;
		return 0;
	default:
		return 0;
	}
}

static void adopt(void *ctx, int fd)
{
	struct http_server *server = ctx;

	if (server->connections >= server->options.connections) {
		log_warn("refusing a connection to the API: there are %u", server->connections);
		close(fd);
		return;
	}
	struct lws *wsi = lws_adopt_socket_vhost(server->vhost, fd);
	if (!wsi)
		return;
	/* Marks what WSI_DESTROY is to count: libwebsockets makes some of its own. */
	lws_set_opaque_user_data(wsi, server);
	server->connections++;
}

/* --- life ---------------------------------------------------------------------------------- */

static int start_lws(struct http_server *server, struct reason *out_why)
{
	static const struct lws_protocols protocols[] = {
	        {.name = "http", .callback = on_http, .per_session_data_size = sizeof(void *)},
	        {.name = NULL}};
	void *loops[] = {loop_native(server->loop)};
	const struct http_options *options = &server->options;
	struct lws_context_creation_info info = {
	        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
	                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
	                   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
	        .foreign_loops = loops,
	        .port = CONTEXT_PORT_NO_LISTEN,
	        .gid = (gid_t)-1,
	        .uid = (uid_t)-1,
	        .fd_limit_per_thread = options->connections + SPARE_FDS,
	        .max_http_header_data = HEAD_BYTES,
	        .max_http_header_pool = (unsigned short)options->connections,
	        .pt_serv_buf_size = SERVICE_BYTES,
	        .timeout_secs = HANDSHAKE_S,
	        .user = server,
	};

	last_error[0] = '\0';
	lws_set_log_level(LLL_ERR | LLL_WARN, note_log_line);
	server->lws = lws_create_context(&info);
	if (!server->lws)
		return fail(out_why, ERR_CONFIG, "cannot start the API's server: %s", last_error);

	info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = protocols;
	info.vhost_name = "api";
	info.ssl_cert_filepath = options->cert_file;
	info.ssl_private_key_filepath = options->key_file;
	info.ssl_cipher_list = CIPHERS;
	info.alpn = "http/1.1";
	info.keepalive_timeout = IDLE_S;
	server->vhost = lws_create_vhost(server->lws, &info);
	if (!server->vhost)
		return fail(out_why, ERR_TLS,
		        "cannot start the API with certificate '%s' and key '%s': %s",
		        options->cert_file, options->key_file, last_error);
	return 0;
}

/* Before libwebsockets sees them: it says no more than that something was wrong, and leaks. */
static int check_certificate(const struct http_options *options, struct reason *out_why)
{
	struct buf cert = BUF_INIT, key = BUF_INIT;
	struct reason why;
	int rc = file_read(options->cert_file, PEM_BYTES, &cert, out_why);

	if (rc == 0)
		rc = file_read(options->key_file, PEM_BYTES, &key, out_why);
	if (rc == 0) {
		rc = pki_key_matches(buf_slice(&key), buf_slice(&cert), &why);
		if (rc < 0)
			fail(out_why, rc, "cannot use certificate '%s' with key '%s': %s",
			        options->cert_file, options->key_file, why.text);
	}
	if (key.data)
		explicit_bzero(key.data, key.len);
	buf_fini(&cert);
	buf_fini(&key);
	return rc;
}

int http_open(struct loop *loop, const struct http_options *options, struct http_server **out,
        struct reason *out_why)
{
	struct http_server *server = mem_new(sizeof(*server));

	server->loop = loop;
	server->options = *options;
	server->comments = timer_new(loop, send_comments, server);
	int rc = check_certificate(options, out_why);
	if (rc == 0)
		rc = listen_open(loop, options->address, adopt, server, &server->listen, out_why);
	if (rc == 0)
		rc = start_lws(server, out_why);
	if (rc < 0) {
		http_close(server);
		return rc;
	}
	*out = server;
	return 0;
}

static void count_step(void *ctx)
{
	struct http_server *server = ctx;

	/* 1 ms and not 0: libuv would run it again within the same step. */
	if (--server->steps_left > 0)
		timer_start(server->stepping, 1, 0);
	else
		loop_stop(server->loop);
}

static void run_steps(struct http_server *server, unsigned steps)
{
	server->steps_left = steps;
	timer_start(server->stepping, 1, 0);
	while (server->steps_left > 0)
		loop_run(server->loop);
}

/* A context that was never served has not begun to own its parts and would not free them. */
static void stop_lws(struct http_server *server)
{
	server->stepping = timer_new(server->loop, count_step, server);
	run_steps(server, OPENING_STEPS);
	lws_context_destroy(server->lws);
	run_steps(server, CLOSING_STEPS);
	lws_context_destroy(server->lws);
	timer_free(server->stepping);
}

void http_close(struct http_server *server)
{
	if (!server)
		return;
	listen_close(server->listen);
	while (server->exchanges)
		exchange_free(server->exchanges);
	if (server->lws)
		stop_lws(server);
	timer_free(server->comments);
	buf_fini(&server->out);
	free(server);
}

unsigned http_port(const struct http_server *server)
{
	return listen_port(server->listen);
}
