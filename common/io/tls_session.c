#include "common/io/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/pki_private.h"
#include "common/io/tls_private.h"

/* A TLS record's plain text (RFC 8446 section 5.1). */
#define RECORD_BYTES (16u << 10)
/* How OpenSSL numbers an alert that the peer sent: reason = this + alert. */
#define ALERT_REASON SSL_AD_REASON_OFFSET

/* --- the BIO between OpenSSL and the session: reads what is being fed, appends to outgoing.
 * OpenSSL's own memory BIO would copy everything once more and keep its memory while idle. ---- */

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *out_written)
{
	struct tls_session *session = BIO_get_data(bio);

	buf_append(&session->outgoing, bytes, len);
	*out_written = len;
	return 1;
}

static int bio_read(BIO *bio, char *out, size_t len, size_t *out_read)
{
	struct tls_session *session = BIO_get_data(bio);
	struct slice *in = &session->incoming;

	BIO_clear_retry_flags(bio);
	if (in->len == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	if (len > in->len)
		len = in->len;
	memcpy(out, in->ptr, len);
	in->ptr += len;
	in->len -= len;
	*out_read = len;
	return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *ptr)
{
	(void)bio;
	(void)number;
	(void)ptr;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
	bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tls session");
	if (!bio_method || !BIO_meth_set_write_ex(bio_method, bio_write) ||
	        !BIO_meth_set_read_ex(bio_method, bio_read) ||
	        !BIO_meth_set_ctrl(bio_method, bio_ctrl))
		abort();
}

static BIO *new_bio(struct tls_session *session)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_bio_method);
	BIO *bio = BIO_new(bio_method);
	if (bio) {
		BIO_set_data(bio, session);
		BIO_set_init(bio, 1);
	}
	return bio;
}

/* --- life ---------------------------------------------------------------------------------- */

/* The certificate has to name this, and nothing is taken from its common name (RFC 9525). */
static bool expect_server(SSL *ssl, const char *name)
{
	uint8_t address[16];

	SSL_set_hostflags(
	        ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool start(struct tls_session *session)
{
	BIO *bio = session->ssl ? new_bio(session) : NULL;

	if (!bio)
		return false;
	SSL_set_bio(session->ssl, bio, bio);
	SSL_set_app_data(session->ssl, session);
	if (session->context->is_server) {
		SSL_set_accept_state(session->ssl);
		return true;
	}
	SSL_set_connect_state(session->ssl);
	if (!expect_server(session->ssl, session->server_name))
		return false;
	int done = SSL_do_handshake(session->ssl);
	return done == 1 || SSL_get_error(session->ssl, done) == SSL_ERROR_WANT_READ;
}

int tls_session_new(struct tls_context *context, const char *server_name, struct tls_session **out,
        struct reason *out_why)
{
	if (!context->is_server &&
	        (!server_name || !text_is_utf8(slice_text(server_name)) ||
	                strlen(server_name) == 0 || strlen(server_name) > PKI_NAME_MAX))
		return fail(out_why, ERR_FORMAT, "cannot start TLS: the collector has no name");
	struct tls_session *session = mem_new(sizeof(*session));

	session->context = tls_context_keep(context);
	if (!context->is_server)
		session->server_name = mem_copy_text(server_name, strlen(server_name));
	session->ssl = SSL_new(context->ssl);
	ERR_clear_error();
	if (!start(session)) {
		tls_session_free(session);
		return fail(out_why, ERR_TLS, "cannot start TLS: %s", pki_complaint());
	}
	*out = session;
	return 0;
}

void tls_session_free(struct tls_session *session)
{
	if (!session)
		return;
	SSL_free(session->ssl);
	tls_context_free(session->context);
	buf_fini(&session->outgoing);
	free(session->server_name);
	free(session);
}

/* --- why it failed ------------------------------------------------------------------------- */

static const char *alert_text(int alert)
{
	switch (alert) {
	case SSL_AD_CERTIFICATE_EXPIRED:
		return "it finds that our certificate has ended";
	case SSL_AD_CERTIFICATE_REVOKED:
		return "it finds that our certificate is revoked";
	case SSL_AD_UNKNOWN_CA:
		return "it does not know the CA of our certificate";
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
		return "it does not accept our certificate";
	case TLS13_AD_CERTIFICATE_REQUIRED:
		return "it wants a certificate and we have none";
	case SSL_AD_NO_APPLICATION_PROTOCOL:
		return "it does not speak our protocol (" TLS_ALPN_STREAM ", " TLS_ALPN_ENROLL ")";
	case SSL_AD_PROTOCOL_VERSION:
		return "it does not speak TLS 1.3";
	case SSL_AD_ACCESS_DENIED:
		return "it denies us access";
	default:
		return NULL;
	}
}

static int explain_alert(const struct tls_session *session, int alert, struct reason *out_why)
{
	const char *who = session->context->is_server ? "host" : "collector";
	const char *text = alert_text(alert);

	if (text)
		return fail(out_why, ERR_TLS, "%s refuses the connection: %s", who, text);
	return fail(out_why, ERR_TLS, "%s refuses the connection: TLS alert %d, %s", who, alert,
	        SSL_alert_desc_string_long(alert));
}

static int explain(struct tls_session *session, struct reason *out_why)
{
	unsigned long error = ERR_peek_error();
	int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;

	session->is_broken = true;
	if (session->verdict->text[0])
		return fail(out_why, ERR_TLS, "%s", session->verdict->text);
	if (reason >= ALERT_REASON && reason < ALERT_REASON + 256)
		return explain_alert(session, reason - ALERT_REASON, out_why);
	switch (reason) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return fail(out_why, ERR_TLS, "cannot trust host: it sent no certificate");
	case SSL_R_CALLBACK_FAILED:
	case SSL_R_NO_APPLICATION_PROTOCOL:
		return fail(out_why, ERR_TLS, "peer does not speak our protocol (%s, %s)",
		        TLS_ALPN_STREAM, TLS_ALPN_ENROLL);
	case SSL_R_UNSUPPORTED_PROTOCOL:
		return fail(out_why, ERR_TLS, "peer does not speak TLS 1.3");
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_BAD_RECORD_TYPE:
		return fail(out_why, ERR_TLS, "peer does not speak TLS");
	default:
		return fail(out_why, ERR_TLS, "TLS with the peer failed: %s", pki_complaint());
	}
}

/* --- bytes in and out ---------------------------------------------------------------------- */

/* The handshake is over: a peer without the right protocol is no peer of ours, whatever its TLS
 * library let through. */
static int settle(struct tls_session *session, struct reason *out_why)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(session->ssl, &name, &len);
	struct slice chosen = slice_of(name, len);
	const char *protocol = slice_is(chosen, TLS_ALPN_STREAM)   ? TLS_ALPN_STREAM
	                       : slice_is(chosen, TLS_ALPN_ENROLL) ? TLS_ALPN_ENROLL
	                                                           : NULL;
	const char *expected = session->context->protocol;
	if (!protocol || (expected && strcmp(protocol, expected) != 0)) {
		session->is_broken = true;
		return fail(out_why, ERR_TLS, "peer does not speak our protocol (%s)",
		        expected ? expected : TLS_ALPN_STREAM);
	}
	session->protocol = protocol;
	free(session->server_name);
	session->server_name = NULL;
	return 0;
}

static int read_plain(struct tls_session *session, struct buf *out_plain, struct reason *out_why)
{
	for (;;) {
		size_t got = 0;
		int ok = SSL_read_ex(
		        session->ssl, buf_reserve(out_plain, RECORD_BYTES), RECORD_BYTES, &got);

		if (ok == 1) {
			out_plain->len += got;
			continue;
		}
		switch (SSL_get_error(session->ssl, ok)) {
		case SSL_ERROR_WANT_READ:
			return 0;
		case SSL_ERROR_ZERO_RETURN:
			return fail(out_why, ERR_CLOSED, "peer closed the connection");
		default:
			return explain(session, out_why);
		}
	}
}

static int advance(struct tls_session *session, struct buf *out_plain, struct reason *out_why)
{
	if (!session->protocol) {
		int done = SSL_do_handshake(session->ssl);

		if (done != 1 && SSL_get_error(session->ssl, done) == SSL_ERROR_WANT_READ)
			return 0;
		if (done != 1)
			return explain(session, out_why);
		int code = settle(session, out_why);
		if (code < 0)
			return code;
	}
	return read_plain(session, out_plain, out_why);
}

int tls_session_feed(struct tls_session *session, struct slice bytes, struct buf *out_plain,
        struct reason *out_why)
{
	struct reason verdict;

	if (session->is_broken)
		return fail(out_why, ERR_TLS, "TLS with the peer has failed before");
	verdict.text[0] = '\0';
	session->verdict = &verdict;
	session->incoming = bytes;
	ERR_clear_error();
	int code = advance(session, out_plain, out_why);
	ERR_clear_error();
	session->incoming = slice_of(NULL, 0);
	session->verdict = NULL;
	return code;
}

int tls_session_write(struct tls_session *session, struct slice plain, struct reason *out_why)
{
	size_t written;

	if (!session->protocol || session->is_broken)
		return fail(out_why, ERR_PROTOCOL, "cannot write: there is no TLS session");
	if (plain.len == 0)
		return 0;
	ERR_clear_error();
	/* All of it: the BIO takes whatever comes. */
	if (SSL_write_ex(session->ssl, plain.ptr, plain.len, &written) == 1)
		return 0;
	session->is_broken = true;
	return fail(out_why, ERR_TLS, "cannot encrypt: %s", pki_complaint());
}

void tls_session_take(struct tls_session *session, struct buf *out)
{
	buf_append_slice(out, buf_slice(&session->outgoing));
	buf_fini(&session->outgoing);
}

void tls_session_close(struct tls_session *session)
{
	if (!session->protocol || session->is_broken)
		return;
	ERR_clear_error();
	SSL_shutdown(session->ssl);
	ERR_clear_error();
}

/* --- who it is ----------------------------------------------------------------------------- */

bool tls_session_is_ready(const struct tls_session *session)
{
	return session->protocol != NULL;
}

const char *tls_session_protocol(const struct tls_session *session)
{
	return session->protocol;
}

int tls_session_peer(const struct tls_session *session, struct pki_cert_info *out)
{
	X509 *cert = session->protocol ? SSL_get0_peer_certificate(session->ssl) : NULL;

	return cert ? pki_describe(cert, out, NULL) : ERR_MISSING;
}
