/*
 * ingest - the agents' side of the collector: listens, greets, takes batches, has them stored,
 * acknowledges.
 *
 * The certificate's name is the host, whatever a message says. One session a host: a newer one ends
 * the older. The ack follows the commit. A peer that breaks the protocol is told why (Refused) and
 * closed; others do not notice.
 *
 * Life     ingest_open -> ingest_close (drops sessions).
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_INGEST_H
#define TSUJIBAN_COLLECTOR_INGEST_INGEST_H

#include "collector/store/eventlog.h"
#include "collector/store/hosts.h"
#include "collector/store/store.h"
#include "common/io/conn.h"

struct ingest;

struct ingest_events {
	/* Durable, before it is acknowledged: the decoded events of one batch of one host.
	 * `is_new_stream`: what was known of the host has been forgotten first. Events of the
	 * collector's own may stand before those of the batch. Borrowed for the call. */
	void (*stored)(void *ctx, uint32_t host, const struct event *events, size_t count,
	        bool is_new_stream);
	/* The host's facts in the store were put right, whatever was told of them before. */
	void (*restated)(void *ctx, uint32_t host);
	/* A host was enrolled (or again). What the store knows of it, the labels of its token among
	 * that, is told right behind, through `stored`. */
	void (*enrolled)(void *ctx, uint32_t host, struct slice name);
	/* A session begins, from this address (with port); has ended, and the last word came then,
	 * on the loop's clock. Not told of those that ingest_close ends. NULL: nobody asks. */
	void (*came)(void *ctx, uint32_t host, const char *address);
	void (*left)(void *ctx, uint32_t host, uint64_t heard_ms);
};

/* 0: no limit. */
struct ingest_limits {
	/* not a host's yet */
	uint64_t strangers, strangers_per_address;
	/* of each host */
	uint64_t conns;
	uint64_t units_per_s, units_burst; /* see guest.h */
	uint64_t log_bytes;                /* of events, unzipped */
	uint64_t facts;
	uint64_t bucket_bytes;  /* first shown by it */
	uint64_t streams_a_day; /* that begin anew */
};

struct ingest_options {
	const char *address;  /* ADDR:PORT */
	unsigned connections; /* at most */
	uint32_t heartbeat_s;
	/* PEM; ca_key signs enrolments */
	struct slice cert_pem, key_pem, ca_pem, ca_key_pem;
	int64_t cert_valid_ns; /* of the certificates that hosts get */
	struct ingest_limits limits;
	struct loop *loop;
	struct store *store;
};

int ingest_open(const struct ingest_options *options, const struct ingest_events *events, void *ctx,
        struct ingest **out, struct reason *out_why);
void ingest_close(struct ingest *ingest);
unsigned ingest_port(const struct ingest *ingest);

bool ingest_is_connected(const struct ingest *ingest, uint32_t host);
/* Ends the host's session with REFUSED_REVOKED. */
void ingest_revoke(struct ingest *ingest, uint32_t host);

struct ingest_status {
	unsigned sessions;
	uint64_t batches, events, duplicates, refused; /* since start */
	bool is_store_failing;
};
void ingest_status(const struct ingest *ingest, struct ingest_status *out);

#endif
