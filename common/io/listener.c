#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/conn_private.h"
#include "common/io/tls_private.h"

/* Connections that the kernel keeps until we take them: a fleet that comes back at once. The
 * kernel cuts it to net.core.somaxconn. */
#define BACKLOG 4096
/* One log line for all connections that were refused within this time. */
#define COMPLAINT_MS 60000
/* Taken in one loop step; then it is the others' turn: libuv would go on as long as more come. */
#define STEP_CONNS 64

struct listener {
	uv_tcp_t tcp;
	struct loop *loop;
	struct tls_context *tls;
	const struct conn_events *events;
	void *(*accepted)(void *ctx, struct conn *conn);
	void *ctx;
	char address[ADDRESS_TEXT_MAX];
	unsigned port;
	unsigned most;
	unsigned live; /* accepted conns that have not ended: they point here */
	uint64_t complained_ms;
	struct later step; /* takes the one that waits */
	unsigned step_taken;
	bool is_one_waiting;
	bool is_closed;
};

/* --- conns --------------------------------------------------------------------------------- */

static void free_if_unused(struct listener *listener)
{
	if (listener->is_closed && listener->live == 0)
		free(listener);
}

void listener_forget(struct listener *listener)
{
	listener->live--;
	free_if_unused(listener);
}

static void complain(struct listener *listener, const char *why)
{
	uint64_t now_ms = uv_now(&listener->loop->uv);

	if (listener->complained_ms && now_ms - listener->complained_ms < COMPLAINT_MS)
		return;
	listener->complained_ms = now_ms;
	log_warn("cannot accept connections on '%s': %s", listener->address, why);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

/* Taken and closed: left alone it would be offered again and again. */
static void refuse(struct listener *listener)
{
	uv_tcp_t *tcp = mem_new(sizeof(*tcp));

	uv_tcp_init(&listener->loop->uv, tcp);
	uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)tcp);
	uv_close((uv_handle_t *)tcp, free_handle);
}

/* The two kinds do not meet: no IPv6 network begins with 4 zero bytes but the mapped addresses,
 * which are IPv4's. */
static uint64_t network_of(const struct sockaddr_storage *peer)
{
	uint64_t network = 0;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
	const uint8_t *bytes = v6->sin6_addr.s6_addr;
	size_t len = 8;

	if (peer->ss_family == AF_INET) {
		bytes = (const uint8_t *)&((const struct sockaddr_in *)peer)->sin_addr;
		len = 4;
	} else if (peer->ss_family != AF_INET6) {
		return 0;
	} else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		bytes += 12;
		len = 4;
	}
	for (size_t i = 0; i < len; i++)
		network = network << 8 | bytes[i];
	return network;
}

static void name_peer(struct conn *conn)
{
	struct sockaddr_storage peer = {0};
	int len = sizeof(peer);
	char text[ADDRESS_TEXT_MAX];

	uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&peer, &len);
	address_format((struct sockaddr *)&peer, text);
	conn->network = network_of(&peer);
	conn->address = mem_copy_text(text, strlen(text));
}

static void take_connection(struct listener *listener)
{
	uv_stream_t *stream = (uv_stream_t *)&listener->tcp;
	struct reason why;

	if (listener->live >= listener->most) {
		refuse(listener);
		complain(listener, "there are as many as are allowed");
		return;
	}
	struct conn *conn = conn_new(listener->loop, listener->events, NULL);
	conn->listener = listener;
	listener->live++;
	int code = uv_accept(stream, (uv_stream_t *)&conn->tcp);
	if (code < 0) {
		conn_drop(conn);
		return;
	}
	name_peer(conn);
	if (tls_session_new(listener->tls, NULL, &conn->tls, &why) < 0) {
		complain(listener, why.text);
		conn_drop(conn);
		return;
	}
	conn->ctx = listener->accepted(listener->ctx, conn);
	if (!conn->ctx)
		conn_drop(conn);
	else if (conn->state == CONN_NEW)
		conn_begin(conn);
}

/* While one is not taken, libuv does not look for more. */
static void on_connection(uv_stream_t *stream, int status)
{
	struct listener *listener = stream->data;

	if (status < 0) {
		complain(listener, err_text(status));
		return;
	}
	loop_later(listener->loop, &listener->step);
	if (listener->step_taken == STEP_CONNS) {
		listener->is_one_waiting = true;
		return;
	}
	listener->step_taken++;
	take_connection(listener);
}

static void end_step(void *ctx)
{
	struct listener *listener = ctx;

	listener->step_taken = 0;
	if (!listener->is_one_waiting)
		return;
	listener->is_one_waiting = false;
	take_connection(listener);
}

/* --- life ---------------------------------------------------------------------------------- */

static int resolve(const char *text, struct sockaddr_storage *out, struct reason *out_why)
{
	struct address address;
	struct addrinfo *found;
	char port[8];
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
	        .ai_socktype = SOCK_STREAM,
	        .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	int code = address_parse(text, &address, out_why);

	if (code < 0)
		return code;
	if (address.is_numeric) {
		*out = address.numeric;
		return 0;
	}
	snprintf(port, sizeof(port), "%u", address.port);
	int problem = getaddrinfo(address.host, port, &hints, &found);
	if (problem != 0)
		return fail(out_why, ERR_MISSING, "cannot listen on '%s': %s", text,
		        gai_strerror(problem));
	memcpy(out, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static int note_own_address(struct listener *listener)
{
	struct sockaddr_storage own = {0};
	int len = sizeof(own);
	int code = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&own, &len);

	if (code < 0)
		return code;
	address_format((struct sockaddr *)&own, listener->address);
	/* The same place in both. */
	listener->port = ntohs(((struct sockaddr_in *)&own)->sin_port);
	return 0;
}

/* libuv sets SO_REUSEADDR itself, and may tell EADDRINUSE only from uv_listen. */
static int start(struct listener *listener, const struct sockaddr *address)
{
	int code = uv_tcp_bind(&listener->tcp, address, 0);

	if (code == 0)
		code = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
	return code == 0 ? note_own_address(listener) : code;
}

int listener_open(struct loop *loop, struct tls_context *tls, const char *address, unsigned most,
        const struct conn_events *events, void *(*accepted)(void *ctx, struct conn *conn),
        void *ctx, struct listener **out, struct reason *out_why)
{
	struct sockaddr_storage resolved = {0};
	int code = resolve(address, &resolved, out_why);

	if (code < 0)
		return code;
	struct listener *listener = mem_new(sizeof(*listener));
	listener->loop = loop;
	listener->tls = tls_context_keep(tls);
	listener->events = events;
	listener->accepted = accepted;
	listener->ctx = ctx;
	listener->most = most;
	listener->step = (struct later){.run = end_step, .ctx = listener};
	uv_tcp_init(&loop->uv, &listener->tcp);
	listener->tcp.data = listener;
	code = start(listener, (struct sockaddr *)&resolved);
	if (code < 0) {
		listener_close(listener);
		return fail(out_why, code, "cannot listen on '%s': %s", address, err_text(code));
	}
	*out = listener;
	return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct listener *listener = handle->data;

	listener->is_closed = true;
	free_if_unused(listener);
}

void listener_close(struct listener *listener)
{
	if (!listener)
		return;
	loop_later_cancel(&listener->step);
	tls_context_free(listener->tls);
	listener->tls = NULL;
	uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
}

unsigned listener_port(const struct listener *listener)
{
	return listener->port;
}

void listener_set_tls(struct listener *listener, struct tls_context *tls)
{
	struct tls_context *before = listener->tls;

	listener->tls = tls_context_keep(tls);
	tls_context_free(before);
}
