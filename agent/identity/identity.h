/*
 * identity - the host's key and certificate, and the CA that it trusts, as files in the state
 * directory.
 *
 *   agent.key        private key, 0600, made here, never sent
 *   agent.crt        the certificate for it
 *   ca.crt           the collector's CA
 *   collector        HOST:PORT where this host was enrolled, one line
 *   agent.key.next,  a renewed pair between being written and being in place
 *   agent.crt.next
 *
 * A pair is put in place in two renames; identity_load finishes what a crash has left between them.
 *
 * Errors   ERR_MISSING: not enrolled; ERR_FORMAT: the files do not belong together; -errno.
 * Thread   any; blocks on the disk.
 */
#ifndef TSUJIBAN_AGENT_IDENTITY_IDENTITY_H
#define TSUJIBAN_AGENT_IDENTITY_IDENTITY_H

#include "common/io/pki.h"

struct identity {
	struct buf key_pem;
	struct buf cert_pem;
	struct buf ca_pem;
	struct pki_cert_info cert;
};

/* Fills `out`; identity_fini frees it, after a failure too. */
int identity_load(const char *dir, struct identity *out, struct reason *out_why);
void identity_fini(struct identity *identity);

/* Puts a new pair in place of what is there; `ca_pem` with no length leaves ca.crt as it is. */
int identity_install(const char *dir, struct slice key_pem, struct slice cert_pem,
        struct slice ca_pem, struct reason *out_why);

/* The collector that this host was enrolled at. load appends HOST:PORT; ERR_MISSING: at none. */
int identity_save_collector(const char *dir, const char *address, struct reason *out_why);
int identity_load_collector(const char *dir, struct buf *out_address, struct reason *out_why);

/* More than two thirds of the certificate's life are over. */
bool identity_is_due(const struct pki_cert_info *cert, int64_t now_ns);

#endif
