/*
 * chatter - log lines that a peer can provoke: some a minute, then only how many there were.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_CHATTER_H
#define TSUJIBAN_COLLECTOR_INGEST_CHATTER_H

#include <stdbool.h>
#include <stdint.h>

struct chatter {
	uint64_t since_ms; /* when the minute began */
	unsigned lines, dropped;
};

/* Whether a line may be written; *out_dropped then says how many were not in the minute before. */
bool chatter_may_log(struct chatter *chatter, uint64_t now_ms, unsigned *out_dropped);

#endif
