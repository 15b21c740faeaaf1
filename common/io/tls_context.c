#include "common/io/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/io/pki_private.h"
#include "common/io/tls_private.h"

/* What an unknown peer may make us hold while the handshake lasts: a chain of ours has 1.5 KiB. */
#define CHAIN_BYTES_MAX (16u << 10)
/* In RFC 7301's form: a length byte before each name. */
#define ALPN_NAME_MAX 32

/* --- ALPN ---------------------------------------------------------------------------------- */

/* RFC 7301 section 3.1; NULL when the client offers none of ours. */
static const char *choose_protocol(struct slice offered)
{
	const char *chosen = NULL;
	uint8_t len;
	struct slice name;

	while (slice_take_byte(&offered, &len) && slice_take(&offered, len, &name)) {
		if (slice_is(name, TLS_ALPN_STREAM))
			return TLS_ALPN_STREAM;
		if (slice_is(name, TLS_ALPN_ENROLL))
			chosen = TLS_ALPN_ENROLL;
	}
	return chosen;
}

/* The certificate request is written after this callback, so that the mode set here decides
 * whether there is one (test_tls holds that). */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
        const unsigned char *offered, unsigned offered_len, void *ctx)
{
	const char *protocol = choose_protocol(slice_of(offered, offered_len));

	(void)ctx;
	if (!protocol)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	if (strcmp(protocol, TLS_ALPN_ENROLL) == 0)
		SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	*out = (const unsigned char *)protocol;
	*out_len = (unsigned char)strlen(protocol);
	return SSL_TLSEXT_ERR_OK;
}

/* choose_alpn is not called for a client that has no ALPN at all. */
static int require_alpn(SSL *ssl, int *out_alert, void *ctx)
{
	const unsigned char *extension;
	size_t len;

	(void)ctx;
	if (SSL_client_hello_get0_ext(
	            ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &extension, &len))
		return SSL_CLIENT_HELLO_SUCCESS;
	*out_alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static bool offer_alpn(SSL_CTX *ssl, const char *protocol)
{
	uint8_t list[1 + ALPN_NAME_MAX];
	size_t len = strlen(protocol);

	list[0] = (uint8_t)len;
	memcpy(list + 1, protocol, len);
	return SSL_CTX_set_alpn_protos(ssl, list, (unsigned)(1 + len)) == 0;
}

/* --- certificates -------------------------------------------------------------------------- */

/* Trusts every certificate in `ca_pem`: there are two while a CA is being replaced. A server also
 * sends them. */
static int add_ca(struct tls_context *context, struct slice ca_pem, struct reason *out_why)
{
	BIO *bio = pki_open_pem(ca_pem);
	unsigned count = 0;
	X509 *ca;

	while (bio && (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		struct pki_cert_info info;
		bool ok = X509_check_ca(ca) == 1 && pki_describe(ca, &info, out_why) == 0 &&
		          X509_STORE_add_cert(SSL_CTX_get_cert_store(context->ssl), ca) &&
		          (!context->is_server || SSL_CTX_add1_chain_cert(context->ssl, ca));

		X509_free(ca);
		if (!ok) {
			count = 0;
			break;
		}
		if (count++ == 0)
			memcpy(context->ca_name, info.name, sizeof(info.name));
	}
	BIO_free(bio);
	ERR_clear_error();
	return count > 0 ? 0
	                 : fail(out_why, ERR_FORMAT,
	                           "cannot use the CA's certificate: there is none, "
	                           "or it is no CA");
}

static int add_identity(
        SSL_CTX *ssl, struct slice cert_pem, struct slice key_pem, struct reason *out_why)
{
	X509 *cert = pki_read_cert(cert_pem, out_why);
	EVP_PKEY *key = cert ? pki_read_key(key_pem, out_why) : NULL;
	int code = key ? 0 : ERR_FORMAT;

	if (code == 0 && X509_check_private_key(cert, key) != 1)
		code = fail(out_why, ERR_FORMAT, "cannot use certificate: the key is another's");
	else if (code == 0 &&
	         (SSL_CTX_use_certificate(ssl, cert) != 1 || SSL_CTX_use_PrivateKey(ssl, key) != 1))
		code = fail(out_why, ERR_TLS, "cannot use certificate: %s", pki_complaint());
	ERR_clear_error();
	X509_free(cert);
	EVP_PKEY_free(key);
	return code;
}

/* --- contexts ------------------------------------------------------------------------------ */

static bool set_defaults(SSL_CTX *ssl)
{
	SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	/* An idle session must be small; and only what we were told to send is sent. */
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_max_cert_list(ssl, CHAIN_BYTES_MAX);
	SSL_CTX_set_security_level(ssl, 2);
	return SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) &&
	       SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) &&
	       SSL_CTX_set_num_tickets(ssl, 0);
}

static struct tls_context *new_context(bool is_server, struct reason *out_why)
{
	pki_start_library();
	SSL_CTX *ssl = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
	if (!ssl || !set_defaults(ssl)) {
		fail(out_why, ERR_TLS, "cannot start TLS: %s", pki_complaint());
		SSL_CTX_free(ssl);
		return NULL;
	}
	struct tls_context *context = mem_new(sizeof(*context));
	context->ssl = ssl;
	context->is_server = is_server;
	atomic_init(&context->users, 1);
	return context;
}

int tls_server_new(struct slice cert_pem, struct slice key_pem, struct slice ca_pem,
        struct tls_context **out, struct reason *out_why)
{
	struct tls_context *context = new_context(true, out_why);

	if (!context)
		return ERR_TLS;
	int code = add_identity(context->ssl, cert_pem, key_pem, out_why);
	if (code == 0)
		code = add_ca(context, ca_pem, out_why);
	if (code < 0) {
		tls_context_free(context);
		return code;
	}
	SSL_CTX_set_verify(
	        context->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, tls_verify_note);
	SSL_CTX_set_client_hello_cb(context->ssl, require_alpn, NULL);
	SSL_CTX_set_alpn_select_cb(context->ssl, choose_alpn, NULL);
	*out = context;
	return 0;
}

static int set_client(struct tls_context *context, const char *protocol, struct reason *out_why)
{
	context->protocol = protocol;
	SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, tls_verify_note);
	if (!offer_alpn(context->ssl, protocol))
		return fail(out_why, ERR_TLS, "cannot start TLS: %s", pki_complaint());
	return 0;
}

int tls_client_new(struct slice cert_pem, struct slice key_pem, struct slice ca_pem,
        struct tls_context **out, struct reason *out_why)
{
	struct tls_context *context = new_context(false, out_why);

	if (!context)
		return ERR_TLS;
	int code = add_identity(context->ssl, cert_pem, key_pem, out_why);
	if (code == 0)
		code = add_ca(context, ca_pem, out_why);
	if (code == 0)
		code = set_client(context, TLS_ALPN_STREAM, out_why);
	if (code < 0) {
		tls_context_free(context);
		return code;
	}
	*out = context;
	return 0;
}

int tls_enroll_new(const uint8_t ca_fingerprint[PKI_FINGERPRINT_BYTES], struct tls_context **out,
        struct reason *out_why)
{
	struct tls_context *context = new_context(false, out_why);

	if (!context)
		return ERR_TLS;
	int code = set_client(context, TLS_ALPN_ENROLL, out_why);
	if (code < 0) {
		tls_context_free(context);
		return code;
	}
	memcpy(context->pinned, ca_fingerprint, PKI_FINGERPRINT_BYTES);
	SSL_CTX_set_cert_verify_callback(context->ssl, tls_verify_pinned, context);
	*out = context;
	return 0;
}

struct tls_context *tls_context_keep(struct tls_context *context)
{
	atomic_fetch_add(&context->users, 1);
	return context;
}

void tls_context_free(struct tls_context *context)
{
	if (!context || atomic_fetch_sub(&context->users, 1) > 1)
		return;
	SSL_CTX_free(context->ssl);
	free(context);
}
