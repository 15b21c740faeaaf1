/*
 * How an outgoing connection finds its peer: the name is resolved on a worker, then each of its
 * addresses is tried in turn, every one with a fresh socket.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/io/conn_private.h"

struct dial {
	struct conn *conn; /* NULL: gone while the name was being resolved */
	struct address address;
	uv_getaddrinfo_t resolve;
	uv_connect_t connect;
	struct addrinfo *found;
	struct addrinfo *next; /* to try */
	int last_code;         /* of the last try */
	char tried[ADDRESS_TEXT_MAX];
	bool is_resolving;
};

struct dial *dial_new(struct conn *conn, const struct address *address)
{
	struct dial *dial = mem_new(sizeof(*dial));

	dial->conn = conn;
	dial->address = *address;
	dial->resolve.data = dial;
	dial->connect.data = dial;
	return dial;
}

void dial_free(struct dial *dial)
{
	if (!dial)
		return;
	dial->conn = NULL;
	if (dial->is_resolving)
		return; /* a worker still writes to it: on_resolved frees it */
	uv_freeaddrinfo(dial->found);
	free(dial);
}

void dial_cancel(struct dial *dial)
{
	if (dial->is_resolving)
		uv_cancel((uv_req_t *)&dial->resolve);
}

/* --- trying -------------------------------------------------------------------------------- */

static void fail_last(struct dial *dial)
{
	struct conn *conn = dial->conn;

	if (dial->address.is_numeric)
		conn_fail(conn, dial->last_code, "cannot connect to '%s': %s", conn->address,
		        err_text(dial->last_code));
	else
		conn_fail(conn, dial->last_code, "cannot connect to '%s' at %s: %s", conn->address,
		        dial->tried, err_text(dial->last_code));
}

/* The handle cannot be used again once it has failed; when it is closed, dial_next follows. */
static void give_up_try(struct dial *dial, int code)
{
	struct conn *conn = dial->conn;

	dial->last_code = code;
	if (!dial->next)
		fail_last(dial);
	else
		uv_close((uv_handle_t *)&conn->tcp, conn_on_handle_closed);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct dial *dial = connect->data;
	struct conn *conn = dial->conn;

	/* UV_ECANCELED comes from closing the handle: whoever did that goes on. */
	if (!conn || conn->state != CONN_DIALING || status == UV_ECANCELED)
		return;
	if (status < 0) {
		give_up_try(dial, status);
		return;
	}
	conn->dial = NULL;
	dial_free(dial);
	conn_begin(conn);
}

static void try_address(struct dial *dial, const struct sockaddr *address)
{
	struct conn *conn = dial->conn;

	address_format(address, dial->tried);
	conn_set_deadline(conn, CONN_HANDSHAKE_MS);
	int code = uv_tcp_connect(&dial->connect, &conn->tcp, address, on_connected);
	if (code < 0)
		give_up_try(dial, code);
}

static void try_next(struct dial *dial)
{
	struct addrinfo *now = dial->next;

	dial->next = now->ai_next;
	try_address(dial, now->ai_addr);
}

void dial_next(struct dial *dial)
{
	struct conn *conn = dial->conn;

	uv_tcp_init(&conn->loop->uv, &conn->tcp);
	conn->tcp.data = conn;
	try_next(dial);
}

void dial_time_out(struct dial *dial)
{
	/* Closed already: the next try is on its way. */
	if (uv_is_closing((uv_handle_t *)&dial->conn->tcp))
		return;
	if (dial->is_resolving)
		conn_fail(dial->conn, -ETIMEDOUT, "cannot resolve '%s': no answer within %d s",
		        dial->address.host, CONN_HANDSHAKE_MS / 1000);
	else
		give_up_try(dial, -ETIMEDOUT);
}

/* --- resolving ----------------------------------------------------------------------------- */

static void fail_resolve(struct dial *dial, int code)
{
	conn_fail(
	        dial->conn, code, "cannot resolve '%s': %s", dial->address.host, uv_strerror(code));
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *found)
{
	struct dial *dial = resolve->data;

	dial->is_resolving = false;
	dial->found = found;
	dial->next = found;
	if (!dial->conn) {
		dial_free(dial);
		return;
	}
	if (dial->conn->state != CONN_DIALING)
		return;
	if (status < 0 || !found)
		fail_resolve(dial, status < 0 ? status : UV_EAI_NODATA);
	else
		try_next(dial);
}

void dial_start(struct dial *dial)
{
	struct conn *conn = dial->conn;
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
	        .ai_socktype = SOCK_STREAM,
	        .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	char port[8];

	conn->state = CONN_DIALING;
	if (dial->address.is_numeric) {
		try_address(dial, (const struct sockaddr *)&dial->address.numeric);
		return;
	}
	conn_set_deadline(conn, CONN_HANDSHAKE_MS);
	snprintf(port, sizeof(port), "%u", dial->address.port);
	int code = uv_getaddrinfo(
	        &conn->loop->uv, &dial->resolve, on_resolved, dial->address.host, port, &hints);
	if (code < 0)
		fail_resolve(dial, code);
	else
		dial->is_resolving = true;
}
