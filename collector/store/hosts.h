/*
 * hosts - the enrolled hosts: number, name, certificate, last contact.
 *
 * A host keeps its number for ever; revoking it keeps the record, and enrolling the name again
 * revives it.
 *
 * Owner    names borrow from the store: valid until the transaction ends or is next written to.
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_HOSTS_H
#define TSUJIBAN_COLLECTOR_STORE_HOSTS_H

#include "collector/store/store.h"
#include "common/io/pki.h"

#define HOST_LABELS_MAX 16

struct host_record {
	uint32_t id; /* from 0, dense: the host's bit in every bitmap */
	struct slice name;
	bool is_revoked;
	uint8_t serial[PKI_SERIAL_BYTES];      /* of the one certificate that is accepted */
	uint8_t next_serial[PKI_SERIAL_BYTES]; /* granted by a renewal, not seen yet; zero: none */
	int64_t enrolled_ns;
	int64_t last_seen_ns; /* last batch stored; 0: never */
	struct slice agent_version;
	/* From the token that it was enrolled with; facts of the host beside those that the agent
	 * reports, and again whenever its picture begins anew. */
	size_t label_count;
	struct slice label_name[HOST_LABELS_MAX], label_value[HOST_LABELS_MAX];
};

int hosts_get(struct kv_txn *txn, uint32_t id, struct host_record *out);
int hosts_find(struct kv_txn *txn, struct slice name, struct host_record *out);
/* Writes the record, whose slices may come from the store; with id UINT32_MAX gives it the next
 * number first (out_id). */
int hosts_put(struct kv_txn *txn, const struct host_record *host, uint32_t *out_id);
/* In id order; a negative answer stops it. */
int hosts_each(
        struct kv_txn *txn, int (*each)(void *ctx, const struct host_record *host), void *ctx);
/* What a certificate is worth: 0 accepted, ERR_MISSING no such host, ERR_REFUSED revoked or
 * replaced; the sentence says it. */
int hosts_accepts(struct kv_txn *txn, const struct pki_cert_info *cert, struct host_record *out,
        struct reason *out_why);

#endif
