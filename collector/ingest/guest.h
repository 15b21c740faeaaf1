/*
 * guest - what a host may ask of the collector, over all its connections.
 *
 * Work is counted in units: an event is one, every message one more and one for each 64 bytes of
 * it; a greeting and a signature are more. Each host has so many a second, and what it does not use
 * is saved up to a burst. Who is beyond that is not read from for a while: nothing is lost, it
 * keeps what it has.
 *
 * Life     guest_of finds or makes; all end with guests_free. As many as there are enrolled hosts.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_GUEST_H
#define TSUJIBAN_COLLECTOR_INGEST_GUEST_H

#include <uthash.h>

#include "collector/ingest/chatter.h"
#include "collector/ingest/ingest_private.h"

#define GUEST_GREETING_UNITS  100
#define GUEST_SIGNATURE_UNITS 2000

struct guest {
	uint32_t host;
	unsigned conns;      /* connections whose handshake is over */
	int64_t spare;       /* units; below zero: owed */
	uint64_t counted_ms; /* … at that time */
	uint32_t held_day;   /* when it was last told that the host is held back for its pace */
	uint64_t no_sync_until_ms; /* its last state sync came to nothing, by its own doing */
	struct chatter chatter;
	UT_hash_handle hh;
};

struct guest *guest_of(struct ingest *ingest, uint32_t host);
void guests_free(struct ingest *ingest);
/* For how long the host is not to be read from, ms; 0: it may go on. */
uint64_t guest_charge(struct ingest *ingest, struct guest *guest, uint64_t units);

#endif
