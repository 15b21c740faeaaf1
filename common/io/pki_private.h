/*
 * pki_private - libcrypto's objects, for the files of this folder that need more than PEM text.
 *
 * Owner    read functions return a new object or NULL with the reason.
 */
#ifndef TSUJIBAN_COMMON_IO_PKI_PRIVATE_H
#define TSUJIBAN_COMMON_IO_PKI_PRIVATE_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/io/pki.h"

/* Before anything else: keeps libcrypto from reading the system's openssl.cnf, which could change
 * what the programs trust. Cheap when repeated. */
void pki_start_library(void);

/* libcrypto's latest complaint in words, taken from its queue. Never NULL; static. */
const char *pki_complaint(void);

/* NULL for PEM text of a size that none of ours has. */
BIO *pki_open_pem(struct slice pem);
/* Refuses encrypted keys instead of asking the terminal for a password. */
EVP_PKEY *pki_read_key(struct slice key_pem, struct reason *out_why);
X509 *pki_read_cert(struct slice cert_pem, struct reason *out_why);
/* Appends what was written to `bio`. */
void pki_append_bio(struct buf *out, BIO *bio);

/* The subject with one common name of 1 to PKI_NAME_MAX bytes. */
X509_NAME *pki_new_subject(const char *name);

int pki_describe(const X509 *cert, struct pki_cert_info *out, struct reason *out_why);
/* Clamped to what 64 bits of nanoseconds can say (year 2262). */
int64_t pki_time_ns(const ASN1_TIME *when);

#endif
