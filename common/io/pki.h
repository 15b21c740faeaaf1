/*
 * pki - keys, requests and certificates: ECDSA P-256, X.509, as PEM text.
 *
 * A host's identity is the common name of its certificate's subject; a collector's names are the
 * certificate's alternative names.
 *
 * Owner    `struct buf *out` parameters are appended to; they are the caller's.
 * Errors   ERR_FORMAT for what is not what it should be, ERR_TLS for what libcrypto refuses.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_IO_PKI_H
#define TSUJIBAN_COMMON_IO_PKI_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define PKI_FINGERPRINT_BYTES 32
#define PKI_SERIAL_BYTES      16
#define PKI_NAME_MAX          253

/* What of a certificate matters here. */
struct pki_cert_info {
	char name[PKI_NAME_MAX + 1];                /* subject common name */
	uint8_t serial[PKI_SERIAL_BYTES];           /* big endian, zero-padded on the left */
	uint8_t fingerprint[PKI_FINGERPRINT_BYTES]; /* SHA-256 of the DER form */
	int64_t not_before_ns;
	int64_t not_after_ns;
};

int pki_key_new(struct buf *out_key_pem, struct reason *out_why);
/* A PKCS #10 request for `name`, signed with the key. */
int pki_csr_new(
        struct slice key_pem, const char *name, struct buf *out_csr_pem, struct reason *out_why);

/* A self-signed CA: basicConstraints CA:TRUE pathlen:0, keyCertSign and cRLSign. */
int pki_ca_new(struct slice key_pem, const char *name, int64_t now_ns, int64_t valid_ns,
        struct buf *out_cert_pem, struct reason *out_why);

/* Who the certificate is for. */
struct pki_grant {
	const char *name;         /* subject common name, whatever a request says */
	const char *const *names; /* alternative names (DNS or IP), ended by NULL, or NULL */
	bool is_server;           /* extendedKeyUsage serverAuth, otherwise clientAuth */
	int64_t not_before_ns;
	int64_t not_after_ns; /* never after the CA's own end */
};
/* Takes only the public key from the request, after checking its signature; serial is random. */
int pki_sign(struct slice csr_pem, struct slice ca_cert_pem, struct slice ca_key_pem,
        const struct pki_grant *grant, struct buf *out_cert_pem, struct reason *out_why);

/* The first certificate in `pem`. */
int pki_cert_info(struct slice pem, struct pki_cert_info *out, struct reason *out_why);
/* Its alternative names (DNS and IP), each with a newline. */
int pki_cert_names(struct slice pem, struct buf *out, struct reason *out_why);
/* ERR_FORMAT when the key is not that of the certificate. */
int pki_key_matches(struct slice key_pem, struct slice cert_pem, struct reason *out_why);

/* "sha256:<64 hex digits>" with a NUL byte; and back. */
#define PKI_FINGERPRINT_TEXT (7 + 2 * PKI_FINGERPRINT_BYTES + 1)
void pki_fingerprint_text(
        const uint8_t fingerprint[PKI_FINGERPRINT_BYTES], char out[PKI_FINGERPRINT_TEXT]);
bool pki_fingerprint_parse(struct slice text, uint8_t out[PKI_FINGERPRINT_BYTES]);

#endif
