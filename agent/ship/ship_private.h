/*
 * ship_private - what the files of ship share.
 *
 *   ship.c         its states: asking, connecting, waiting; the end of the channel
 *   ship_stream.c  what goes over a connection that stands, in both directions
 */
#ifndef TSUJIBAN_AGENT_SHIP_SHIP_PRIVATE_H
#define TSUJIBAN_AGENT_SHIP_SHIP_PRIVATE_H

#include "agent/seam/seam.h"
#include "agent/ship/renew.h"
#include "agent/ship/ship.h"
#include "common/io/backoff.h"
#include "common/io/channel.h"
#include "common/io/conn.h"

#define SHIP_WINDOW_MAX 64
#define SHIP_IDLE_BYTES 4096 /* that a buffer keeps */

enum ship_state { OFFLINE, ASKING, CONNECTING, GREETING, STREAMING, WAITING };

struct ship {
	struct loop *loop;
	unsigned window;
	void (*over)(void *ctx);
	void *ctx;
	struct channel *channel; /* to the reading half */
	char *collector;         /* HOST:PORT; NULL until it is told */

	enum ship_state now;
	struct conn *conn;
	struct timer *retry;
	struct timer *heartbeat;
	struct timer *rest;
	uint64_t heartbeat_ms;
	struct backoff backoff;
	struct renew renew;
	/* Of this connection. */
	struct pki_cert_info cert; /* our own */
	uint8_t stream_id[WIRE_STREAM_ID_BYTES];
	uint64_t first_seq, next_seq; /* of the spool, when it was asked */
	uint8_t root[SECTION_ROOT_BYTES];
	bool has_root;

	uint64_t confirmed_seq;
	uint64_t sent_seq;
	bool is_pulling;   /* events from sent_seq + 1 on have been asked for */
	bool is_root_sent; /* behind a batch of this connection … */
	uint64_t root_seq; /* … up to this one, which tells what the facts add up to there */
	uint64_t in_flight
	        [SHIP_WINDOW_MAX]; /* the last seq of each batch that is not confirmed, oldest
	                                   first */
	unsigned in_flight_count;

	struct arena *arena;
	struct buf scratch; /* encoded messages */
	struct buf frames;  /* on their way to the conn */
	char why[REASON_MAX];
	char host[PKI_NAME_MAX + 1];
	const struct confine_notes *confined; /* NULL: not at all */
	int64_t connected_since_ns;
};

/* --- ship.c ---------------------------------------------------------------------------------- */

void ship_say(struct ship *ship, const struct seam_message *message);
void ship_say_alone(struct ship *ship, enum seam_kind kind);
void ship_say_status(struct ship *ship);
/* Gives back the room that only work needs, some time after the last of these calls. */
void ship_rest_soon(struct ship *ship);
/* Ends the connection because of what came over it; the next one is made later. */
void ship_drop_and_retry(struct ship *ship, const char *why);

/* --- ship_stream.c --------------------------------------------------------------------------- */

void ship_send(struct ship *ship, const struct message *message);
/* Asks the collector for a new certificate if ours ends soon. */
void ship_ask_for_renewal(struct ship *ship);
/* From the reading half. */
void ship_take_events(struct ship *ship, struct seam_events *events);
void ship_take_answer(struct ship *ship, const struct seam_message *message);
void ship_take_installed(struct ship *ship, struct slice why);
/* Of the connection; the ctx is the ship. */
void ship_on_drained(void *ctx, struct conn *conn);
void ship_on_frame(void *ctx, struct conn *conn, const struct frame *frame);

#endif
