/*
 * peer - one agent's connection.
 *
 *   handshake -+- TLS_ALPN_ENROLL -> enrolling
 *              +- TLS_ALPN_STREAM -> greeting -Hello-> streaming
 *   any of them -refused, silent, closed-> ended
 *
 * Life     peer_new -> peer_ready, peer_frame* -> peer_closed. Frees itself after that, once no job
 *          of it waits for the store any more.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_PEER_H
#define TSUJIBAN_COLLECTOR_INGEST_PEER_H

#include <uthash.h>

#include "collector/ingest/ingest_private.h"

enum peer_state { PEER_HANDSHAKE, PEER_ENROLLING, PEER_GREETING, PEER_STREAMING, PEER_ENDED };

struct peer {
	struct ingest *ingest;
	struct conn *conn; /* NULL once closed */
	enum peer_state state;
	struct timer *timer; /* waits for a message; while streaming: for silence of either side */
	struct peer *prev, *next;

	/* until a session begins; NULL: no stranger any more */
	struct gate_network *network;
	uint64_t entered_ms;
	struct peer *gate_prev, *gate_next;

	/* Streams only, since the handshake */
	struct guest *guest; /* NULL: the certificate was not accepted */
	struct pki_cert_info cert;
	uint32_t host;
	UT_hash_handle hh;

	/* since Hello */
	uint8_t stream_id[WIRE_STREAM_ID_BYTES];
	bool is_stream_over; /* nothing can follow in this stream: see greet.c */
	int64_t last_seen_ns;
	uint64_t sent_ms, heard_ms;

	/* what waits for the store */
	size_t jobs;
	size_t bytes;
	bool is_paused;
	bool is_held; /* back, for its pace, until hold_timer */
	struct timer *hold_timer;
	bool is_busy;            /* with an enrolment or a renewal */
	struct restate *restate; /* NULL: none is under way */
	bool is_beyond_sync;     /* its facts are too many */
};

/* NULL: there is no place for it. */
struct peer *peer_new(struct ingest *ingest, struct conn *conn);
void peer_ready(struct peer *peer, const char *protocol, const struct pki_cert_info *cert);
void peer_frame(struct peer *peer, const struct frame *frame);
void peer_closed(struct peer *peer, int code, const struct reason *why);
/* Closes without a word: the ingest is closing. */
void peer_drop(struct peer *peer);

/* From Hello on; replaces an older session of the host. */
void peer_begin_streaming(struct peer *peer);
/* Nothing happens when the peer has ended already. */
void peer_send(struct peer *peer, const struct message *message);
/* Says why, logs it, and closes. Nothing happens when the peer has ended already. */
void peer_refuse(struct peer *peer, enum refusal code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Closes once all that was sent is out. */
void peer_end(struct peer *peer);

/* What its host has asked for, in units (guest.h): it may be held back for a while. */
void peer_charge(struct peer *peer, uint64_t units);
/* Whether a line about the peer may go to the log: see chatter.h. */
bool peer_may_log(struct peer *peer);

/* Brackets around a job of the peer that waits for the store. The second may free the peer. */
void peer_job_begins(struct peer *peer, size_t bytes);
void peer_job_ends(struct peer *peer, size_t bytes);

#endif
