/*
 * ingest_private - what the files of this folder share.
 *
 *   server.c    listener, table of sessions
 *   gate.c      connections that are nobody's yet
 *   guest.c     what each host may ask for
 *   held.c      hosts that are held back for their pace
 *   chatter.c   log lines that peers can provoke
 *   peer.c      one connection, a state machine
 *   greet.c     Hello and Welcome
 *   intake.c    batches from the peer
 *   batchjob.c  batches into the store
 *   admit.c     enrolment
 *   renew.c     a new certificate for a known host
 *   restate*.c  state sync
 *
 * A job that waits for the store holds its peer, and the peer holds the ingest: each is freed when
 * its connection or listener is closed and its last job is done.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_INGEST_PRIVATE_H
#define TSUJIBAN_COLLECTOR_INGEST_INGEST_PRIVATE_H

#include "collector/ingest/chatter.h"
#include "collector/ingest/ingest.h"
#include "common/base/arena.h"

struct gate_network;
struct guest;
struct peer;
struct batch_job;
struct restate;

struct ingest {
	struct loop *loop;
	struct store *store;
	const struct ingest_events *events;
	void *ctx;
	uint32_t heartbeat_s;
	int64_t cert_valid_ns;
	struct ingest_limits limits; /* never changed: the writer reads them too */
	struct buf ca_pem, ca_key_pem;
	struct tls_context *tls;
	struct listener *listener;

	struct peer *peers;     /* all, a list */
	struct peer *sessions;  /* those that stream, by host */
	struct peer *strangers; /* a list by time of arrival: gate.c */
	size_t stranger_count;
	struct gate_network *networks; /* that strangers come from */
	struct guest *guests;          /* by host */
	struct chatter chatter;        /* about strangers */
	struct batch_job *idle_jobs;   /* for the next batches */
	unsigned idle_count;
	size_t peer_count;
	struct restate *restates; /* state syncs that wait for a slot, a list */
	unsigned slots_taken;
	size_t waiting_bytes; /* of batches that wait for the store */
	bool is_full;         /* … are too many: peers are paused */
	bool is_closed;       /* freed with the last peer */

	/* Within one step. */
	struct buf plain;    /* a payload, unzipped */
	struct arena *arena; /* one message other than a batch */
	struct buf scratch, out;

	struct ingest_status status;
};

/* Opens a frame that is no batch and decodes it. The message lies in the ingest's arena until the
 * next such call. */
int ingest_decode(struct ingest *ingest, const struct frame *frame, struct message *out,
        struct reason *out_why);
struct peer *ingest_session(const struct ingest *ingest, uint32_t host);
/* A peer is gone for good. */
void ingest_peer_freed(struct ingest *ingest);

#endif
