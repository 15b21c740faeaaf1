/*
 * wire - messages between agent and collector as plain structs, and their protobuf form.
 *
 * proto/tsujiban.proto is the contract; protobuf-c does the encoding, checks stand here. Equal
 * values have equal bytes. As proto3 says, of a field given twice the last one counts, and unknown
 * fields are skipped.
 *
 * Owner    what is decoded lives in the arena, texts and events as well; nothing of it points into
 *          the payload. An event of 200 bytes takes about 1 KiB.
 * Errors   decode: ERR_FORMAT with the field that is wrong, ERR_LIMIT when the arena is full.
 *          encode: nothing is appended; what the other side would refuse is refused here.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_CODEC_WIRE_H
#define TSUJIBAN_COMMON_CODEC_WIRE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/codec/frame.h"
#include "common/model/event.h"
#include "common/model/section.h"

#define WIRE_STREAM_ID_BYTES  16
#define WIRE_BATCH_EVENTS_MAX 4096
#define WIRE_EVENT_BYTES_MAX  (64u << 10) /* one encoded event: its parts' limits add up to less */
#define WIRE_TEXT_MAX         4096        /* names, versions, reasons */
#define WIRE_PEM_MAX          (16u << 10)

struct hello {
	uint8_t stream_id[WIRE_STREAM_ID_BYTES];
	uint64_t first_seq; /* the oldest event that the agent still holds; none: next_seq */
	uint64_t next_seq;  /* the number of the event to come */
	struct slice agent_version;
	struct slice facts_root; /* SECTION_ROOT_BYTES, or absent */
};

struct welcome {
	uint64_t stored_seq; /* the last event of this stream that is stored; 0: none */
	struct slice host;   /* the name that the certificate stands for */
	uint32_t heartbeat_s;
	uint64_t config_version;
};

struct batch {
	uint64_t first_seq; /* events are numbered from here without a hole */
	size_t count;
	struct slice *events;    /* each one encoded event, see wire_event_* */
	struct slice facts_root; /* SECTION_ROOT_BYTES, or absent */
};

struct ack {
	uint64_t stored_seq; /* everything up to here is stored and durable */
};

enum refusal {
	REFUSED_PROTOCOL = 1,   /* the other side broke the protocol */
	REFUSED_REVOKED = 2,    /* this certificate is no longer accepted */
	REFUSED_TOKEN = 3,      /* unknown, used or expired enrolment token */
	REFUSED_NAME = 4,       /* the host name is taken or no host name */
	REFUSED_OVERLOADED = 5, /* come back later */
	REFUSED_STORE = 6,      /* the collector cannot store now, for example its disk is full */
	REFUSED_SUPERSEDED = 7, /* the same host has connected anew */
	REFUSED_SEQUENCE = 8,   /* a batch that does not follow what is stored */
};

struct refused {
	enum refusal code;
	struct slice text;
};

struct enroll_request {
	struct slice token;
	struct slice host; /* the name that the host would like */
	struct slice csr_pem;
	struct slice agent_version;
};

struct enroll_reply { /* answers a renewal too */
	struct slice host;
	struct slice cert_pem;
	struct slice ca_pem;
};

struct renew_request {
	struct slice csr_pem;
};

/* State sync: sections are kinds of facts, at most one of each kind in a message. */

struct section_offer {
	enum fact_kind kind;
	struct slice digests; /* SECTION_DIGEST_BYTES a bucket */
};

struct offer {
	size_t count;
	struct section_offer *section;
};

struct section_want {
	enum fact_kind kind;
	struct slice buckets; /* a byte each */
};

struct want {
	size_t count; /* 0: an offer is asked for */
	struct section_want *section;
};

struct section_facts {
	enum fact_kind kind;
	size_t count;
	struct fact *fact;
};

struct bucket {
	size_t count;
	struct section_facts *section;
	bool more; /* another follows */
};

/* Messages without a struct above (heartbeat) have no content. Config and config status are in the
 * proto file and refused here until the sessions speak them. */
struct message {
	enum frame_kind kind;
	union {
		struct hello hello;
		struct welcome welcome;
		struct batch batch;
		struct ack ack;
		struct refused refused;
		struct enroll_request enroll_request;
		struct enroll_reply enroll_reply;
		struct renew_request renew_request;
		struct enroll_reply renew_reply;
		struct offer offer;
		struct want want;
		struct bucket bucket;
	};
};

/* Appends the protobuf form of the message (the frame's payload, not the frame). */
int wire_encode(const struct message *message, struct buf *out);
int wire_decode(enum frame_kind kind, struct slice payload, struct arena *arena,
        struct message *out, struct reason *out_why);

/* One event alone: what the spool keeps and a batch carries. `seq` is not part of it: decode leaves
 * it 0. Decoding ends with event_check. */
int wire_event_encode(const struct event *event, struct buf *out);
int wire_event_decode(
        struct slice bytes, struct arena *arena, struct event *out, struct reason *out_why);

/* Encodes the message and appends it to `out` as one frame. `scratch` is used and left with
 * garbage. */
int wire_append_frame(const struct message *message, struct buf *scratch, struct buf *out);

#endif
