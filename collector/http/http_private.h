/*
 * http_private - the server and its exchanges, for the three files that speak libwebsockets:
 *
 *   http.c       the server: its context, its connections, what it calls back
 *   request.c    what a client asks: head, parameters, who it is
 *   exchange.c   one request and its answer, from the first byte to the last
 *
 * An exchange hangs in the connection's libwebsockets user space (its slot) and ends in
 * exchange_free, whatever ended it.
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_HTTP_PRIVATE_H
#define TSUJIBAN_COLLECTOR_HTTP_HTTP_PRIVATE_H

#include <libwebsockets.h>

#include "collector/http/http.h"
#include "collector/http/listen.h"
#include "collector/http/reply.h"
#include "common/base/arena.h"

#define HTTP_HEAD_BYTES  8192
#define HTTP_BODY_BYTES  (64u << 10)
#define HTTP_DRAIN_BYTES (1u << 20) /* of a refused body are read, so that the refusal is heard */
#define HTTP_PARAMS_MAX  32
#define HTTP_IDLE_S      60 /* between requests, and for a client that does not read */

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
	struct param param[HTTP_PARAMS_MAX];
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

/* --- request.c ----------------------------------------------------------------------------- */

/* Reads the head, which is whole. Returns 0, or the status to refuse with; `*out_length` of body
 * follow, unless it says that it cannot be known (reply.closes, 400). */
int request_read(struct exchange *self, const char *path, uint64_t *out_length);
/* Fills the response that refuses, and forgets the route. */
void request_refuse(struct exchange *self, int status);

/* --- exchange.c: what libwebsockets tells, in the order of life ------------------------------ */

/* The callbacks' answer: 0, or -1 to close the connection. */
int exchange_begins(
        struct http_server *server, struct lws *wsi, struct exchange **slot, const char *path);
int exchange_takes(struct exchange *self, const void *bytes, size_t len);
int exchange_is_asked(struct exchange *self);
int exchange_may_write(struct exchange *self);
void exchange_free(struct exchange *self);

#endif
