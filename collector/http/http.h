/*
 * http - the API's HTTPS server: libwebsockets on our loop. Knows requests and responses, not what
 * they are about.
 *
 * A request is matched against the routes, its bearer token is checked through `authorize`, and the
 * route's handler fills a response: a short body at once, or a producer that is asked for more
 * whenever the connection can take it, or a stream that stays open (server-sent events) and is
 * asked again after http_wake. libwebsockets names stay behind http_private.h.
 *
 * Life     http_open -> requests -> http_close, which is not for callbacks: it takes some steps of
 *          the loop itself, until libwebsockets has let go of it.
 * Limits   head 8 KiB, body 64 KiB, connections, idle 60 s (streams get a comment line every 15 s).
 * Errors   as JSON: {"error":"…"} with 400, 401, 403, 404, 405, 413, 500, 503.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_HTTP_H
#define TSUJIBAN_COLLECTOR_HTTP_HTTP_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/io/loop.h"

struct http_server;

enum http_role { HTTP_NOBODY, HTTP_READ, HTTP_ADMIN };

struct http_request {
	const char *method; /* "GET", "POST" */
	const char *path;   /* decoded, without query */
	const char *tail;   /* what the route's "*" stood for, decoded; "" without one */
	struct slice body;
	enum http_role role;
	const char *peer; /* the client's address, for the audit log */
	const void *internal;
};
/* A query parameter, decoded; absent slice: not given. Valid until the handler returns. */
struct slice http_param(const struct http_request *request, const char *name);
/* Likewise a header, by lower-case name: "last-event-id". */
struct slice http_header(const struct http_request *request, const char *name);

enum http_more { HTTP_END, HTTP_MORE, HTTP_WAIT };
/* Status, content type and body may still be changed by `produce` (the response stays where it is
 * until `finish`) as long as nothing of the body was there and `produce` has appended nothing: so
 * an answer can wait for a job without a thread. */
struct http_response {
	int status;               /* 200 at first */
	const char *content_type; /* "application/json" at first; static text */
	struct buf body;          /* sent first */
	/* If set, asked for more behind the body: appends a chunk (some 64 KiB, or nothing yet) to
	 * `out` and says whether there is more now, or after a wake (streams). */
	enum http_more (*produce)(void *ctx, struct buf *out);
	/* Called once when the response is over, however it ended. */
	void (*finish)(void *ctx);
	void *ctx;
};
/* Sets status and the JSON error body. */
void http_fail(struct http_response *response, int status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

struct http_route {
	const char *method;
	const char *path;    /* "/api/v1/hosts" or, with one trailing star, "/api/v1/hosts/" and the
	                        rest */
	enum http_role role; /* at least this */
	void (*handle)(
	        void *ctx, const struct http_request *request, struct http_response *response);
};

struct http_options {
	const char *address;   /* ADDR:PORT; port 0 takes a free one */
	const char *cert_file; /* PEM chain */
	const char *key_file;
	const struct http_route *routes; /* ends with a row without a method */
	enum http_role (*authorize)(void *ctx, struct slice bearer_token);
	void *ctx; /* of routes and authorize */
	unsigned connections;
};

int http_open(struct loop *loop, const struct http_options *options, struct http_server **out,
        struct reason *out_why);
void http_close(struct http_server *server);
unsigned http_port(const struct http_server *server);
/* There may be more for the streams that said HTTP_WAIT. */
void http_wake(struct http_server *server);

#endif
