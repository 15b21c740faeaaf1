/*
 * seam - what the agent's two halves say to each other: the one that reads the host and has no
 * network, and the one that speaks to the collector and has no files.
 *
 * Each takes the other for hostile: what is decoded is capped and checked.
 *
 *   reader -> sender                            sender -> reader
 *   SETTINGS   once, at the start               ASK        a connection is about to be made
 *   GREETING   answers ASK                      PULL       events from here on
 *   SORRY      answers ASK: there is none       CONFIRMED  so far the collector has stored them
 *   EVENTS     answers PULL, once there are     ANEW       it wants everything anew
 *   ANSWER     to a WANT, one of several        WANT       it wants to see facts
 *   INSTALLED  answers INSTALL                  INSTALL    a renewed certificate
 *   PONG       answers PING                     PING       are you alive?
 *                                               STATUS     how it stands
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_SEAM_SEAM_H
#define TSUJIBAN_AGENT_SEAM_SEAM_H

#include "common/codec/wire.h"

#define SEAM_MESSAGE_MAX   (2u << 20)              /* bytes; an answer is at most a frame */
#define SEAM_ANSWER_MAX    (SEAM_MESSAGE_MAX - 16) /* the kind and the length stand before it */
#define SEAM_BATCH_EVENTS  1000
#define SEAM_BATCH_BYTES   (256u << 10) /* of events; more only when a single one is longer */
#define SEAM_PEM_MAX       (64u << 10)
#define SEAM_TEXT_MAX      1024
#define SEAM_HOST_NAME_MAX 253

enum seam_kind {
	SEAM_SETTINGS = 1,
	SEAM_ASK,
	SEAM_GREETING,
	SEAM_SORRY,
	SEAM_PULL,
	SEAM_EVENTS,
	SEAM_CONFIRMED,
	SEAM_ANEW,
	SEAM_WANT,
	SEAM_ANSWER,
	SEAM_INSTALL,
	SEAM_INSTALLED,
	SEAM_PING,
	SEAM_PONG,
	SEAM_STATUS,
};
#define SEAM_KIND_MAX SEAM_STATUS

/* What a connection begins with, of one moment. */
struct seam_greeting {
	uint8_t stream_id[WIRE_STREAM_ID_BYTES];
	uint64_t first_seq, next_seq;
	struct slice facts_root; /* SECTION_ROOT_BYTES, or absent */
	struct slice key_pem, cert_pem, ca_pem;
};

struct seam_events {
	struct batch batch;   /* facts_root: what the facts add up to behind the last event */
	uint64_t changed_seq; /* with a root: the last event that came with a change of them */
};

enum seam_link { SEAM_OFFLINE, SEAM_CONNECTING, SEAM_GREETING_SENT, SEAM_STREAMING, SEAM_WAITING };
#define SEAM_LINK_MAX SEAM_WAITING

struct seam_status {
	enum seam_link link;
	uint64_t connected_since_ns; /* 0: not streaming */
	struct slice host;           /* our name at the collector, once known */
	struct slice why;            /* the last failure; empty when streaming */
	struct slice confined;       /* what it has given up … */
	struct slice not_confined;   /* … and what it could not, and why */
};

struct seam_message {
	enum seam_kind kind;
	union {
		struct slice
		        text; /* SETTINGS: HOST:PORT; SORRY: why; INSTALLED: why not, or empty */
		uint64_t seq; /* PULL: from here on; CONFIRMED: up to here */
		struct seam_greeting greeting;
		struct seam_events events;
		struct seam_status status;
		struct slice want; /* the payload of a FRAME_WANT */
		struct {
			enum frame_kind kind; /* FRAME_OFFER or FRAME_BUCKET */
			struct slice payload;
		} answer;
		struct {
			struct slice key_pem, cert_pem;
		} install;
	};
};

/* Appends the payload; the kind goes beside it. */
void seam_encode(const struct seam_message *message, struct buf *out);
/* Slices borrow from `payload`; the list of events is the arena's. ERR_FORMAT, ERR_LIMIT. */
int seam_decode(uint8_t kind, struct slice payload, struct arena *arena, struct seam_message *out,
        struct reason *out_why);

#endif
