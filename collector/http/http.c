/*
 * What libwebsockets 4.1.6 asks for, each found in its source and tried:
 *
 * - While an answer is on its way (LRS_DOING_TRANSACTION) it polls the client's socket for reading
 *   and does not read: a client that hangs up or sends ahead makes the loop spin. Its flow control
 *   would stop writing too. So an answer of more than one step watches the socket through a
 *   descriptor of its own, and a client that says anything while it is being answered is cut off.
 * - What OpenSSL holds of a record that was read in part is read on only with the next event on the
 *   socket, if there is one: so its buffer takes a whole record (16 KiB, RFC 8446 section 5.1).
 * - A POST without a length is taken for 100 MB of body: the connection ends behind the answer.
 * - With a foreign loop, lws_context_destroy only starts to close; the context may be freed by a
 *   second call once the handles' close callbacks have run: sockets in one step of the loop, timer
 *   and idle handle in the next.
 */
#include "collector/http/http_private.h"

#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/file.h"
#include "common/io/pki.h"

#define HANDSHAKE_S   10 /* TLS, and each part of a request */
#define OPENING_STEPS 2
#define CLOSING_STEPS 4
#define SERVICE_BYTES (20u << 10)
#define PEM_BYTES     (64u << 10)
#define SPARE_FDS     16 /* libwebsockets' own, and sockets that are being closed */

/* Suites that TLS 1.2 brought (RFC 5288, RFC 7905): older versions have none to agree on. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

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

/* --- streams ------------------------------------------------------------------------------- */

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
		return exchange_begins(server, wsi, slot, in);
	case LWS_CALLBACK_HTTP_BODY:
		return exchange_takes(*slot, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return exchange_is_asked(*slot);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return slot ? exchange_may_write(*slot) : 0;
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
	        .max_http_header_data = HTTP_HEAD_BYTES,
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
	info.keepalive_timeout = HTTP_IDLE_S;
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
