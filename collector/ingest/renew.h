/*
 * renew - certificates: signing one for a host, and giving a known host its next.
 *
 * The host's present certificate stays good until the new one is first seen (greet.c).
 *
 * Thread   the loop's; the store job's apply runs on the writer's.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_RENEW_H
#define TSUJIBAN_COLLECTOR_INGEST_RENEW_H

#include "collector/ingest/peer.h"

void renew(struct peer *peer, const struct renew_request *request);

/* Signs a client certificate for `name` and says its serial. */
int renew_sign(const struct ingest *ingest, const char *name, struct slice csr_pem, int64_t now_ns,
        struct buf *out_cert_pem, uint8_t out_serial[PKI_SERIAL_BYTES], struct reason *out_why);

#endif
