#include "common/io/pki.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "common/base/text.h"
#include "common/io/pki_private.h"

/* Certificates and keys of ours have about 1 KiB; a chain from elsewhere has some more. */
#define PEM_MAX (1u << 20)

/* --- what the other files share ------------------------------------------------------------ */

void pki_start_library(void)
{
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

const char *pki_complaint(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text ? text : "no reason given";
}

BIO *pki_open_pem(struct slice pem)
{
	pki_start_library();
	if (pem.len == 0 || pem.len > PEM_MAX)
		return NULL;
	return BIO_new_mem_buf(pem.ptr, (int)pem.len);
}

static int refuse_password(char *out, int size, int is_writing, void *ctx)
{
	if (size > 0)
		out[0] = '\0';
	(void)is_writing;
	(void)ctx;
	return -1;
}

EVP_PKEY *pki_read_key(struct slice key_pem, struct reason *out_why)
{
	BIO *bio = pki_open_pem(key_pem);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, refuse_password, NULL) : NULL;

	BIO_free(bio);
	if (!key)
		fail(out_why, ERR_FORMAT, "cannot read private key: %s",
		        bio ? pki_complaint() : "it is empty or too long");
	return key;
}

X509 *pki_read_cert(struct slice cert_pem, struct reason *out_why)
{
	BIO *bio = pki_open_pem(cert_pem);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, refuse_password, NULL) : NULL;

	BIO_free(bio);
	if (!cert)
		fail(out_why, ERR_FORMAT, "cannot read certificate: %s",
		        bio ? pki_complaint() : "it is empty or too long");
	return cert;
}

void pki_append_bio(struct buf *out, BIO *bio)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	if (len > 0)
		buf_append(out, text, (size_t)len);
}

/* By hand and not by ..._by_txt, which holds names to the 64 bytes of X.520: host names may have
 * 253. */
X509_NAME *pki_new_subject(const char *name)
{
	size_t len = strlen(name);
	X509_NAME *subject = X509_NAME_new();

	if (subject && X509_NAME_add_entry_by_NID(subject, NID_commonName, V_ASN1_UTF8STRING,
	                       (const unsigned char *)name, (int)len, -1, 0))
		return subject;
	X509_NAME_free(subject);
	return NULL;
}

/* --- keys and requests --------------------------------------------------------------------- */

int pki_key_new(struct buf *out_key_pem, struct reason *out_why)
{
	int code = ERR_TLS;

	pki_start_library();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_secmem());
	if (key && bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) {
		pki_append_bio(out_key_pem, bio);
		code = 0;
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	return code < 0 ? fail(out_why, code, "cannot make a key: %s", pki_complaint()) : 0;
}

static bool fill_request(X509_REQ *request, EVP_PKEY *key, const char *name)
{
	X509_NAME *subject = pki_new_subject(name);
	bool ok = subject && X509_REQ_set_version(request, X509_REQ_VERSION_1) &&
	          X509_REQ_set_subject_name(request, subject) &&
	          X509_REQ_set_pubkey(request, key) &&
	          X509_REQ_sign(request, key, EVP_sha256()) > 0;

	X509_NAME_free(subject);
	return ok;
}

int pki_csr_new(
        struct slice key_pem, const char *name, struct buf *out_csr_pem, struct reason *out_why)
{
	size_t len = strlen(name);

	if (len == 0 || len > PKI_NAME_MAX || !text_is_utf8(slice_text(name)))
		return fail(out_why, ERR_FORMAT,
		        "cannot make a certificate request: the name has %zu bytes, "
		        "1 to %d of UTF-8 are possible",
		        len, PKI_NAME_MAX);
	EVP_PKEY *key = pki_read_key(key_pem, out_why);
	if (!key)
		return ERR_FORMAT;

	int code = ERR_TLS;
	X509_REQ *request = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	if (request && bio && fill_request(request, key, name) &&
	        PEM_write_bio_X509_REQ(bio, request)) {
		pki_append_bio(out_csr_pem, bio);
		code = 0;
	}
	BIO_free(bio);
	X509_REQ_free(request);
	EVP_PKEY_free(key);
	return code < 0 ? fail(out_why, code, "cannot make a certificate request: %s",
	                          pki_complaint())
	                : 0;
}
