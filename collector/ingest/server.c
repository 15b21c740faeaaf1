#include <stdlib.h>
#include <utlist.h>

#include "collector/ingest/guest.h"
#include "collector/ingest/intake.h"
#include "collector/ingest/peer.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define MESSAGE_ARENA_BYTES (256u << 10)
#define SCRATCH_KEEP_BYTES  (64u << 10)

static void conn_is_ready(
        void *ctx, struct conn *conn, const char *protocol, const struct pki_cert_info *cert)
{
	(void)conn;
	peer_ready(ctx, protocol, cert);
}

static void frame_came(void *ctx, struct conn *conn, const struct frame *frame)
{
	(void)conn;
	peer_frame(ctx, frame);
}

static void conn_is_closed(void *ctx, struct conn *conn, int code, const struct reason *why)
{
	(void)conn;
	peer_closed(ctx, code, why);
}

static const struct conn_events conn_events = {
        .ready = conn_is_ready,
        .frame = frame_came,
        .closed = conn_is_closed,
};

static void *accepted(void *ctx, struct conn *conn)
{
	return peer_new(ctx, conn);
}

static void free_all(struct ingest *ingest)
{
	intake_fini(ingest);
	guests_free(ingest);
	tls_context_free(ingest->tls);
	arena_free(ingest->arena);
	buf_fini(&ingest->plain);
	buf_fini(&ingest->scratch);
	buf_fini(&ingest->out);
	buf_fini(&ingest->ca_pem);
	buf_fini(&ingest->ca_key_pem);
	free(ingest);
}

int ingest_open(const struct ingest_options *options, const struct ingest_events *events, void *ctx,
        struct ingest **out, struct reason *out_why)
{
	struct ingest *ingest = mem_new(sizeof(*ingest));
	int rc;

	ingest->loop = options->loop;
	ingest->store = options->store;
	ingest->events = events;
	ingest->ctx = ctx;
	ingest->heartbeat_s = options->heartbeat_s ? options->heartbeat_s : 1;
	ingest->cert_valid_ns = options->cert_valid_ns;
	ingest->limits = options->limits;
	ingest->arena = arena_new(MESSAGE_ARENA_BYTES);
	buf_append_slice(&ingest->ca_pem, options->ca_pem);
	buf_append_slice(&ingest->ca_key_pem, options->ca_key_pem);
	rc = tls_server_new(
	        options->cert_pem, options->key_pem, options->ca_pem, &ingest->tls, out_why);
	if (rc == 0)
		rc = listener_open(ingest->loop, ingest->tls, options->address,
		        options->connections, &conn_events, accepted, ingest, &ingest->listener,
		        out_why);
	if (rc < 0) {
		free_all(ingest);
		return rc;
	}
	*out = ingest;
	return 0;
}

void ingest_close(struct ingest *ingest)
{
	struct peer *peer, *next;

	if (!ingest)
		return;
	listener_close(ingest->listener);
	ingest->peer_count++; /* keeps the ingest while the peers go */
	ingest->is_closed = true;
	DL_FOREACH_SAFE(ingest->peers, peer, next)
	{
		peer_drop(peer);
	}
	ingest_peer_freed(ingest);
}

void ingest_peer_freed(struct ingest *ingest)
{
	if (--ingest->peer_count == 0 && ingest->is_closed)
		free_all(ingest);
}

unsigned ingest_port(const struct ingest *ingest)
{
	return listener_port(ingest->listener);
}

int ingest_decode(struct ingest *ingest, const struct frame *frame, struct message *out,
        struct reason *out_why)
{
	struct slice plain;
	int rc;

	buf_shrink(&ingest->plain, SCRATCH_KEEP_BYTES);
	arena_reset(ingest->arena);
	rc = frame_open(frame, &ingest->plain, &plain, out_why);
	return rc < 0 ? rc : wire_decode(frame->kind, plain, ingest->arena, out, out_why);
}

struct peer *ingest_session(const struct ingest *ingest, uint32_t host)
{
	struct peer *peer;

	HASH_FIND(hh, ingest->sessions, &host, sizeof(host), peer);
	return peer;
}

bool ingest_is_connected(const struct ingest *ingest, uint32_t host)
{
	return ingest_session(ingest, host) != NULL;
}

void ingest_revoke(struct ingest *ingest, uint32_t host)
{
	struct peer *peer = ingest_session(ingest, host);

	if (peer)
		peer_refuse(peer, REFUSED_REVOKED, "host '%s' is revoked", peer->cert.name);
}

void ingest_status(const struct ingest *ingest, struct ingest_status *out)
{
	*out = ingest->status;
	out->sessions = HASH_COUNT(ingest->sessions);
	out->is_store_failing = store_is_failing(ingest->store);
}
