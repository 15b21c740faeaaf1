/*
 * tls_private - what context, verification and session of TLS know of each other.
 */
#ifndef TSUJIBAN_COMMON_IO_TLS_PRIVATE_H
#define TSUJIBAN_COMMON_IO_TLS_PRIVATE_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "common/io/tls.h"

struct tls_context {
	SSL_CTX *ssl;
	atomic_uint users; /* its maker, its sessions, listeners */
	bool is_server;
	const char *protocol; /* clients: the one ALPN they ask for */
	uint8_t pinned[PKI_FINGERPRINT_BYTES];
	char ca_name[PKI_NAME_MAX + 1]; /* whom it trusts, for sentences; "" when pinned */
};

struct tls_session {
	SSL *ssl;
	struct tls_context *context;
	char *server_name;      /* clients, until the handshake is over */
	struct slice incoming;  /* what is left of the bytes being fed */
	struct buf outgoing;    /* until taken */
	struct reason *verdict; /* during feed: why the peer's certificate is not trusted */
	const char *protocol;   /* set once the handshake is over */
	bool is_broken;         /* after a fatal error nothing is said any more */
};

/* One more user, to be given back with tls_context_free. */
struct tls_context *tls_context_keep(struct tls_context *context);

/* SSL_CTX_set_verify's callback: writes the verdict's sentence. */
int tls_verify_note(int ok, X509_STORE_CTX *store);
/* SSL_CTX_set_cert_verify_callback's: trusts the pinned CA only. */
int tls_verify_pinned(X509_STORE_CTX *store, void *context);

#endif
