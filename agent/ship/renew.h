/*
 * renew - a new certificate before the old one ends: one request, one answer, both on a running
 * session.
 *
 * Life     renew_begin (makes a key and a request) -> renew_finish (answer), and then
 *          or without it renew_drop.
 * Owner    holds the new private key until it is dropped.
 * Thread   the loop's; blocks for a key's making (a few ms, once in months).
 */
#ifndef TSUJIBAN_AGENT_SHIP_RENEW_H
#define TSUJIBAN_AGENT_SHIP_RENEW_H

#include "common/codec/wire.h"
#include "common/io/pki.h"

struct renew {
	struct buf key_pem; /* empty: none under way */
};

/* Appends a RENEW_REQUEST frame for the host `name` to `out`. Nothing when one is under way. */
int renew_begin(struct renew *renew, const char *name, struct buf *out, struct reason *out_why);
/* The certificate fits the new key; `out` says what is in it. ERR_PROTOCOL when nothing was asked.
 */
int renew_finish(struct renew *renew, const struct enroll_reply *reply, struct pki_cert_info *out,
        struct reason *out_why);
void renew_drop(struct renew *renew);

#endif
