/* Whom to trust, and the sentence an operator reads when it is nobody. */
#include "common/io/tls_private.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/io/pki_private.h"

/* Names of a certificate that a sentence lists. */
#define NAMES_SHOWN_MAX 6

static struct tls_session *session_of(X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

	return SSL_get_app_data(ssl);
}

/* --- parts of sentences -------------------------------------------------------------------- */

static void append_quoted(struct buf *out, struct slice name)
{
	buf_append_byte(out, '\'');
	text_append_display(out, name);
	buf_append_byte(out, '\'');
}

/* To the second, in UTC. */
static void append_time(struct buf *out, const ASN1_TIME *time)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(pki_time_ns(time), text);
	text[strcspn(text, ".Z")] = '\0';
	buf_printf(out, "%sZ", text);
}

static void append_alternative_name(struct buf *out, const GENERAL_NAME *name)
{
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
	char text[INET6_ADDRSTRLEN];

	if (type == GEN_DNS) {
		append_quoted(out,
		        slice_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
	} else if (type == GEN_IPADD) {
		int family = ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6;

		if (ASN1_STRING_length(value) != 4 && ASN1_STRING_length(value) != 16)
			return;
		inet_ntop(family, ASN1_STRING_get0_data(value), text, sizeof(text));
		append_quoted(out, slice_text(text));
	}
}

static void append_names(struct buf *out, const X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int count = names ? sk_GENERAL_NAME_num(names) : 0;

	for (int i = 0; i < count && i < NAMES_SHOWN_MAX; i++) {
		if (i > 0)
			buf_append_text(out, ", ");
		append_alternative_name(out, sk_GENERAL_NAME_value(names, i));
	}
	if (count > NAMES_SHOWN_MAX)
		buf_append_text(out, ", …");
	if (count == 0)
		buf_append_text(out, "nobody");
	GENERAL_NAMES_free(names);
}

/* "cannot trust collector 'a': " or "cannot trust host 'b': ": the collector is called as it was
 * asked for, the host as its certificate says. */
static void append_subject(struct buf *out, const struct tls_session *session, const X509 *leaf)
{
	struct pki_cert_info info;

	if (!session->context->is_server) {
		buf_append_text(out, "cannot trust collector ");
		append_quoted(out, slice_text(session->server_name));
	} else {
		buf_append_text(out, "cannot trust host ");
		bool has_name = leaf && pki_describe(leaf, &info, NULL) == 0;
		append_quoted(out, slice_text(has_name ? info.name : "?"));
	}
	buf_append_text(out, ": ");
}

/* --- why a chain is not trusted ------------------------------------------------------------ */

static void append_cause(struct buf *out, const struct tls_session *session, int error, int depth,
        const X509 *cert, const X509 *leaf)
{
	const char *whose = depth == 0 ? "its certificate" : "its CA's certificate";

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		buf_printf(out, "%s has ended on ", whose);
		append_time(out, X509_get0_notAfter(cert));
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		buf_printf(out, "%s begins only on ", whose);
		append_time(out, X509_get0_notBefore(cert));
		buf_append_text(out, " (is this machine's clock right?)");
		return;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		if (session->context->ca_name[0] == '\0') {
			buf_append_text(out, "its certificate is not signed by the pinned CA");
			return;
		}
		buf_append_text(out, "its certificate is not signed by the CA in ca.crt, ");
		append_quoted(out, slice_text(session->context->ca_name));
		return;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		buf_append_text(out, "its certificate names ");
		append_names(out, leaf);
		buf_append_text(out, ", not ");
		append_quoted(out, slice_text(session->server_name));
		return;
	case X509_V_ERR_INVALID_PURPOSE:
		buf_printf(out, "its certificate is not one of a %s",
		        session->context->is_server ? "host" : "collector");
		return;
	default:
		buf_append_text(out, X509_verify_cert_error_string(error));
	}
}

/* The first error counts: those after it follow from it. */
static void set_verdict(struct tls_session *session, const char *sentence)
{
	if (session->verdict && session->verdict->text[0] == '\0')
		fail(session->verdict, ERR_TLS, "%s", sentence);
}

int tls_verify_note(int ok, X509_STORE_CTX *store)
{
	struct buf sentence = BUF_INIT;

	if (ok)
		return 1;
	struct tls_session *session = session_of(store);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	append_subject(&sentence, session, leaf);
	append_cause(&sentence, session, X509_STORE_CTX_get_error(store),
	        X509_STORE_CTX_get_error_depth(store), cert ? cert : leaf, leaf);
	set_verdict(session, buf_text(&sentence));
	buf_fini(&sentence);
	return 0;
}

/* --- a CA known by its fingerprint --------------------------------------------------------- */

static bool fingerprint_of(const X509 *cert, uint8_t out[PKI_FINGERPRINT_BYTES])
{
	unsigned len = 0;

	return X509_digest(cert, EVP_sha256(), out, &len) == 1 && len == PKI_FINGERPRINT_BYTES;
}

/* Of the certificates that the server sent: the pinned one, or else, in `out_other`, a CA that it
 * shows instead. */
static X509 *find_pinned(
        STACK_OF(X509) * sent, const uint8_t pinned[PKI_FINGERPRINT_BYTES], X509 **out_other)
{
	uint8_t fingerprint[PKI_FINGERPRINT_BYTES];

	for (int i = 0; i < sk_X509_num(sent); i++) {
		X509 *cert = sk_X509_value(sent, i);

		if (fingerprint_of(cert, fingerprint) &&
		        memcmp(fingerprint, pinned, sizeof(fingerprint)) == 0)
			return cert;
		if (X509_self_signed(cert, 0) == 1)
			*out_other = cert;
	}
	return NULL;
}

static int refuse_pinned(
        X509_STORE_CTX *store, const struct tls_context *context, const X509 *ca, const X509 *other)
{
	struct tls_session *session = session_of(store);
	struct buf sentence = BUF_INIT;
	uint8_t fingerprint[PKI_FINGERPRINT_BYTES];
	char shown[PKI_FINGERPRINT_TEXT];
	char pinned[PKI_FINGERPRINT_TEXT];

	append_subject(&sentence, session, NULL);
	pki_fingerprint_text(context->pinned, pinned);
	if (ca) {
		buf_printf(&sentence, "the certificate with the fingerprint %s is no CA", pinned);
	} else if (other && fingerprint_of(other, fingerprint)) {
		pki_fingerprint_text(fingerprint, shown);
		buf_printf(&sentence, "its CA has the fingerprint %s, not %s", shown, pinned);
	} else {
		buf_printf(&sentence, "it shows no CA with the fingerprint %s", pinned);
	}
	set_verdict(session, buf_text(&sentence));
	buf_fini(&sentence);
	X509_STORE_CTX_set_error(store, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
	return 0;
}

int tls_verify_pinned(X509_STORE_CTX *store, void *ctx)
{
	const struct tls_context *context = ctx;
	X509 *other = NULL;
	X509 *ca = find_pinned(X509_STORE_CTX_get0_untrusted(store), context->pinned, &other);

	if (!ca || X509_self_signed(ca, 1) != 1 || X509_check_ca(ca) != 1)
		return refuse_pinned(store, context, ca, other);

	STACK_OF(X509) *trusted = sk_X509_new_null();
	int verdict = 0;
	if (trusted && sk_X509_push(trusted, ca) > 0) {
		X509_STORE_CTX_set0_trusted_stack(store, trusted);
		verdict = X509_verify_cert(store) == 1;
	}
	sk_X509_free(trusted);
	return verdict;
}
