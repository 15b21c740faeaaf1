#include "common/io/pki.h"

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/text.h"
#include "common/io/pki_private.h"

/* --- pieces of a certificate --------------------------------------------------------------- */

/* Positive and always PKI_SERIAL_BYTES long (RFC 5280 section 4.1.2.2 wants at most 20 and no
 * negative numbers). */
static bool set_random_serial(X509 *cert)
{
	uint8_t bytes[PKI_SERIAL_BYTES];

	random_bytes(bytes, sizeof(bytes));
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return ok;
}

static bool set_time(ASN1_TIME *time, int64_t when_ns)
{
	return ASN1_TIME_set(time, (time_t)(when_ns / NS_PER_S)) != NULL;
}

/* `value` is one of our own constants, in the syntax of x509v3_config(5). */
static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = extension && X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	return ok;
}

static GENERAL_NAME *new_alternative_name(const char *name)
{
	uint8_t address[16];
	int type = GEN_IPADD;
	int len = inet_pton(AF_INET, name, address) == 1    ? 4
	          : inet_pton(AF_INET6, name, address) == 1 ? 16
	                                                    : 0;
	ASN1_STRING *value;

	if (len > 0) {
		value = ASN1_OCTET_STRING_new();
	} else {
		value = ASN1_IA5STRING_new();
		type = GEN_DNS;
	}
	GENERAL_NAME *out = GENERAL_NAME_new();
	if (!out || !value ||
	        !ASN1_STRING_set(value, len > 0 ? (const void *)address : name, len ? len : -1)) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(out);
		return NULL;
	}
	GENERAL_NAME_set0_value(out, type, value);
	return out;
}

static bool add_alternative_names(X509 *cert, const char *const *names)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();
	bool ok = all != NULL;

	for (; ok && *names; names++) {
		GENERAL_NAME *one = new_alternative_name(*names);

		ok = one && sk_GENERAL_NAME_push(all, one) > 0;
		if (!ok)
			GENERAL_NAME_free(one);
	}
	ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(all);
	return ok;
}

/* Everything but issuer, extensions and signature. */
static X509 *new_draft(const char *name, EVP_PKEY *key, int64_t not_before_ns, int64_t not_after_ns)
{
	X509 *cert = X509_new();
	X509_NAME *subject = pki_new_subject(name);
	bool ok = cert && subject && X509_set_version(cert, X509_VERSION_3) &&
	          set_random_serial(cert) && X509_set_subject_name(cert, subject) &&
	          X509_set_pubkey(cert, key) &&
	          set_time(X509_getm_notBefore(cert), not_before_ns) &&
	          set_time(X509_getm_notAfter(cert), not_after_ns);

	X509_NAME_free(subject);
	if (ok)
		return cert;
	X509_free(cert);
	return NULL;
}

static bool append_cert(struct buf *out, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = bio && PEM_write_bio_X509(bio, cert);

	if (ok)
		pki_append_bio(out, bio);
	BIO_free(bio);
	return ok;
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PKI_NAME_MAX && text_is_utf8(slice_of(name, len));
}

/* --- the CA -------------------------------------------------------------------------------- */

int pki_ca_new(struct slice key_pem, const char *name, int64_t now_ns, int64_t valid_ns,
        struct buf *out_cert_pem, struct reason *out_why)
{
	if (!is_name(name))
		return fail(out_why, ERR_FORMAT, "cannot make a CA: its name is empty or too long");
	EVP_PKEY *key = pki_read_key(key_pem, out_why);
	if (!key)
		return ERR_FORMAT;

	X509 *cert = new_draft(name, key, now_ns, now_ns + valid_ns);
	bool ok = cert && X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
	          add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	          add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	          add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
	          add_extension(cert, cert, NID_authority_key_identifier, "keyid:always") &&
	          X509_sign(cert, key, EVP_sha256()) > 0 && append_cert(out_cert_pem, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok ? 0 : fail(out_why, ERR_TLS, "cannot make CA '%s': %s", name, pki_complaint());
}

/* --- signing what somebody asks for -------------------------------------------------------- */

/* Explicit curve parameters are refused as well: no verifier takes a chain with them. */
static bool is_p256(const EVP_PKEY *key)
{
	char text[32];

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_utf8_string_param(
	               key, OSSL_PKEY_PARAM_GROUP_NAME, text, sizeof(text), NULL) &&
	       strcmp(text, "prime256v1") == 0 &&
	       EVP_PKEY_get_utf8_string_param(
	               key, OSSL_PKEY_PARAM_EC_ENCODING, text, sizeof(text), NULL) &&
	       strcmp(text, OSSL_PKEY_EC_ENCODING_GROUP) == 0;
}

/* The request's public key, or NULL. */
static EVP_PKEY *check_request(struct slice csr_pem, struct reason *out_why)
{
	BIO *bio = pki_open_pem(csr_pem);
	X509_REQ *request = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = request ? X509_REQ_get_pubkey(request) : NULL;

	if (!request)
		fail(out_why, ERR_FORMAT, "cannot read certificate request: %s",
		        bio ? pki_complaint() : "it is empty or too long");
	else if (!key || !is_p256(key))
		fail(out_why, ERR_FORMAT,
		        "cannot sign certificate request: its key is not ECDSA P-256");
	else if (X509_REQ_verify(request, key) != 1)
		fail(out_why, ERR_FORMAT,
		        "cannot sign certificate request: its signature is wrong");
	else
		goto done;
	EVP_PKEY_free(key);
	key = NULL;
	ERR_clear_error();
done:
	X509_REQ_free(request);
	BIO_free(bio);
	return key;
}

static int check_grant(const struct pki_grant *grant, struct reason *out_why)
{
	if (!is_name(grant->name))
		return fail(out_why, ERR_FORMAT,
		        "cannot sign certificate: its name is empty, too long or not UTF-8");
	for (const char *const *name = grant->names; name && *name; name++) {
		struct buf shown = BUF_INIT;
		uint8_t address[16];

		if (text_is_host_name(slice_text(*name)) ||
		        inet_pton(AF_INET6, *name, address) == 1)
			continue;
		text_append_display(&shown, slice_text(*name));
		fail(out_why, ERR_FORMAT,
		        "cannot sign certificate for '%s': '%s' is no host name or address",
		        grant->name, buf_text(&shown));
		buf_fini(&shown);
		return ERR_FORMAT;
	}
	return 0;
}

static int check_ca(X509 *ca, EVP_PKEY *ca_key, const struct pki_grant *grant,
        int64_t *out_not_after_ns, struct reason *out_why)
{
	int64_t end_ns = pki_time_ns(X509_get0_notAfter(ca));
	char text[CLOCK_TEXT_MAX];

	if (X509_check_private_key(ca, ca_key) != 1) {
		ERR_clear_error();
		return fail(out_why, ERR_FORMAT,
		        "cannot sign certificate for '%s': the key is not "
		        "that of the CA's certificate",
		        grant->name);
	}
	if (X509_check_ca(ca) != 1)
		return fail(out_why, ERR_FORMAT,
		        "cannot sign certificate for '%s': the issuer is no CA", grant->name);
	if (end_ns <= grant->not_before_ns)
		return fail(out_why, ERR_FORMAT,
		        "cannot sign certificate for '%s': the CA's certificate ends on %s",
		        grant->name, clock_format(end_ns, text));
	*out_not_after_ns = grant->not_after_ns < end_ns ? grant->not_after_ns : end_ns;
	return 0;
}

static bool sign_with(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, const struct pki_grant *grant,
        int64_t not_after_ns, struct buf *out)
{
	const char *usage = grant->is_server ? "serverAuth" : "clientAuth";
	X509 *cert = new_draft(grant->name, key, grant->not_before_ns, not_after_ns);
	bool ok = cert && X509_set_issuer_name(cert, X509_get_subject_name(ca)) &&
	          add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
	          add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
	          add_extension(cert, ca, NID_ext_key_usage, usage) &&
	          add_extension(cert, ca, NID_subject_key_identifier, "hash") &&
	          add_extension(cert, ca, NID_authority_key_identifier, "keyid:always") &&
	          (!grant->names || !grant->names[0] ||
	                  add_alternative_names(cert, grant->names)) &&
	          X509_sign(cert, ca_key, EVP_sha256()) > 0 && append_cert(out, cert);

	X509_free(cert);
	return ok;
}

int pki_sign(struct slice csr_pem, struct slice ca_cert_pem, struct slice ca_key_pem,
        const struct pki_grant *grant, struct buf *out_cert_pem, struct reason *out_why)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY *ca_key = NULL;
	X509 *ca = NULL;
	int64_t not_after_ns = 0;
	int code = check_grant(grant, out_why);

	if (code < 0)
		return code;
	code = ERR_FORMAT;
	if (!(key = check_request(csr_pem, out_why)) ||
	        !(ca = pki_read_cert(ca_cert_pem, out_why)) ||
	        !(ca_key = pki_read_key(ca_key_pem, out_why)))
		goto done;
	code = check_ca(ca, ca_key, grant, &not_after_ns, out_why);
	if (code == 0 && !sign_with(key, ca, ca_key, grant, not_after_ns, out_cert_pem))
		code = fail(out_why, ERR_TLS, "cannot sign certificate for '%s': %s", grant->name,
		        pki_complaint());
done:
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	X509_free(ca);
	return code;
}
