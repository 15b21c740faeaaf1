#include "collector/ingest/renew.h"

#include <stdlib.h>

#include "collector/ingest/guest.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

/* A host whose clock is a little behind ours takes its certificate all the same. */
#define CLOCK_SKEW_NS (NS_PER_S * 60 * 60)

int renew_sign(const struct ingest *ingest, const char *name, struct slice csr_pem, int64_t now_ns,
        struct buf *out_cert_pem, uint8_t out_serial[PKI_SERIAL_BYTES], struct reason *out_why)
{
	struct pki_grant grant = {
	        .name = name,
	        .not_before_ns = now_ns - CLOCK_SKEW_NS,
	        .not_after_ns = now_ns + ingest->cert_valid_ns,
	};
	struct pki_cert_info info;
	int rc = pki_sign(csr_pem, buf_slice(&ingest->ca_pem), buf_slice(&ingest->ca_key_pem),
	        &grant, out_cert_pem, out_why);

	if (rc == 0)
		rc = pki_cert_info(buf_slice(out_cert_pem), &info, out_why);
	if (rc < 0)
		return rc;
	memcpy(out_serial, info.serial, PKI_SERIAL_BYTES);
	return 0;
}

struct renew_job {
	struct store_job job;
	struct peer *peer;
	uint32_t host;
	uint8_t serial[PKI_SERIAL_BYTES];
	struct buf cert_pem;
};

static int apply_renewal(struct store_job *base, struct kv_txn *txn, struct reason *out_why)
{
	struct renew_job *job = (struct renew_job *)base;
	struct host_record host;
	int rc = hosts_get(txn, job->host, &host);

	if (rc == 0 && host.is_revoked)
		return fail(out_why, ERR_REFUSED, "host '%.*s' is revoked", SLICE_ARG(host.name));
	if (rc == 0) {
		memcpy(host.next_serial, job->serial, PKI_SERIAL_BYTES);
		rc = hosts_put(txn, &host, NULL);
	}
	return rc < 0 ? fail(out_why, rc, "cannot write the host's record: %s", err_text(rc)) : 0;
}

static void reply(struct renew_job *job)
{
	struct message message = {.kind = FRAME_RENEW_REPLY};

	message.renew_reply.host = slice_text(job->peer->cert.name);
	message.renew_reply.cert_pem = buf_slice(&job->cert_pem);
	message.renew_reply.ca_pem = buf_slice(&job->peer->ingest->ca_pem);
	peer_send(job->peer, &message);
	if (peer_may_log(job->peer))
		log_info("certificate renewed host=%s", job->peer->cert.name);
}

static void renewal_done(struct store_job *base, int code, const struct reason *why)
{
	struct renew_job *job = (struct renew_job *)base;

	job->peer->is_busy = false;
	if (code == ERR_REFUSED)
		peer_refuse(job->peer, REFUSED_REVOKED, "%s", why->text);
	else if (code < 0)
		peer_refuse(job->peer, REFUSED_STORE, "collector cannot store now: %s", why->text);
	else
		reply(job);
	peer_job_ends(job->peer, 0);
	buf_fini(&job->cert_pem);
	free(job);
}

void renew(struct peer *peer, const struct renew_request *request)
{
	struct renew_job *job = mem_new(sizeof(*job));
	struct reason why;

	peer_charge(peer, GUEST_SIGNATURE_UNITS);

	job->job = (struct store_job){.apply = apply_renewal, .done = renewal_done};
	job->peer = peer;
	job->host = peer->host;
	if (renew_sign(peer->ingest, peer->cert.name, request->csr_pem, clock_wall_ns(),
	            &job->cert_pem, job->serial, &why) < 0) {
		peer_refuse(peer, REFUSED_PROTOCOL, "cannot renew the certificate: %s", why.text);
		buf_fini(&job->cert_pem);
		free(job);
		return;
	}
	peer->is_busy = true;
	peer_job_begins(peer, 0);
	store_submit(peer->ingest->store, &job->job);
}
