/*
 * tls - TLS 1.3 on bytes: no socket, no loop. OpenSSL with memory BIOs.
 *
 * A context is what a program knows (its certificate, whom it trusts); a session is one connection.
 * What the network brings is fed in, what the network should get is taken out, so that two sessions
 * can be tested against each other in memory.
 *
 * Sessions speak one of two protocols (ALPN): TLS_ALPN_STREAM with certificates on both sides,
 * TLS_ALPN_ENROLL with the server's only. A server offers both and refuses a stream session without
 * a client certificate in the handshake. A client that trusts a fingerprint speaks TLS_ALPN_ENROLL.
 *
 * Life     context: tls_server_new / tls_client_new / tls_enroll_new -> tls_context_free. It may be
 *          freed before its sessions. session: tls_session_new -> feed*, write*, take* ->
 *          tls_session_free.
 * Errors   ERR_TLS with a sentence that names what is wrong with whose certificate; ERR_CLOSED
 *          after the peer's close_notify. After an error a session still has bytes to take (the
 *          alert), then it is to be freed.
 * Thread   one at a time for each session.
 */
#ifndef TSUJIBAN_COMMON_IO_TLS_H
#define TSUJIBAN_COMMON_IO_TLS_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/io/pki.h"

#define TLS_ALPN_STREAM "tsujiban/1"
#define TLS_ALPN_ENROLL "tsujiban-enroll/1"

struct tls_context;
struct tls_session;

/* The server sends its chain with the CA's certificate, so that an enrolling host can pin that. */
int tls_server_new(struct slice cert_pem, struct slice key_pem, struct slice ca_pem,
        struct tls_context **out, struct reason *out_why);
int tls_client_new(struct slice cert_pem, struct slice key_pem, struct slice ca_pem,
        struct tls_context **out, struct reason *out_why);
/* A client without a certificate that trusts the CA with this fingerprint and no other. */
int tls_enroll_new(const uint8_t ca_fingerprint[PKI_FINGERPRINT_BYTES], struct tls_context **out,
        struct reason *out_why);
void tls_context_free(struct tls_context *context);

/* `server_name` (clients only): the host name or address that the server's certificate has to name.
 */
int tls_session_new(struct tls_context *context, const char *server_name, struct tls_session **out,
        struct reason *out_why);
void tls_session_free(struct tls_session *session);

/* Takes what came from the network (all of it) and appends what it says in plain to `out_plain`. */
int tls_session_feed(struct tls_session *session, struct slice bytes, struct buf *out_plain,
        struct reason *out_why);
/* Encrypts; only after the handshake (ERR_PROTOCOL before). */
int tls_session_write(struct tls_session *session, struct slice plain, struct reason *out_why);
/* Appends what is to go to the network; called after new (clients), feed, write and close. */
void tls_session_take(struct tls_session *session, struct buf *out);
/* Queues close_notify. */
void tls_session_close(struct tls_session *session);

bool tls_session_is_ready(const struct tls_session *session);
/* After the handshake: which ALPN was chosen, and who the peer is (ERR_MISSING: it has no
 * certificate). */
const char *tls_session_protocol(const struct tls_session *session);
int tls_session_peer(const struct tls_session *session, struct pki_cert_info *out);

#endif
