#include "collector/http/http_private.h"

#include "collector/http/route.h"
#include "collector/query/render.h"
#include "common/base/text.h"

/* --- parts of the head --------------------------------------------------------------------- */

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
	char text[HTTP_HEAD_BYTES];
	int len = lws_hdr_copy(self->wsi, text, sizeof(text), token);

	return len > 0 ? arena_copy(self->arena, slice_of(text, (size_t)len)) : slice_of(NULL, 0);
}

static struct slice take_custom(struct exchange *self, const char *name_and_colon)
{
	char text[HTTP_HEAD_BYTES];
	int len = lws_hdr_custom_copy(
	        self->wsi, text, sizeof(text), name_and_colon, (int)strlen(name_and_colon));

	return len > 0 ? arena_copy(self->arena, slice_of(text, (size_t)len)) : slice_of(NULL, 0);
}

/* libwebsockets has split them at '&' and decoded each. */
static bool take_params(struct exchange *self)
{
	char text[HTTP_HEAD_BYTES];

	for (int i = 0;; i++) {
		int len = lws_hdr_copy_fragment(
		        self->wsi, text, sizeof(text), WSI_TOKEN_HTTP_URI_ARGS, i);
		if (len < 0)
			return true;
		if (len == 0)
			continue;
		if (self->param_count == HTTP_PARAMS_MAX)
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

void request_refuse(struct exchange *self, int status)
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
	return status ? status : length > HTTP_BODY_BYTES ? 413 : 0;
}

int request_read(struct exchange *self, const char *path, uint64_t *out_length)
{
	char peer[64] = "";

	self->request.method = method_of(self->wsi);
	self->request.tail = "";
	self->reply.is_head = strcmp(self->request.method, "HEAD") == 0;
	self->reply.is_old = !slice_is(take_known(self, WSI_TOKEN_HTTP), "HTTP/1.1");
	lws_get_peer_simple(self->wsi, peer, sizeof(peer));
	self->request.peer = arena_text(self->arena, slice_text(peer));

	if (take_length(self, out_length))
		return admit(self, path, *out_length);
	self->reply.closes = true; /* what comes is not read */
	*out_length = 0;
	return 400;
}

/* --- for handlers -------------------------------------------------------------------------- */

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
