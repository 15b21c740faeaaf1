/*
 * ship - carries the spool to the collector, exactly once and in order.
 *
 *   offline -> connecting -ready-> greeting (Hello sent) -Welcome-> streaming
 *                  ^--- waiting (backoff) <--- closed, from any of them
 *
 * After Welcome everything up to its stored_seq is confirmed, and batches go out from there, a
 * window of them in flight. An Ack confirms. When the collector's stored_seq is below what was
 * already confirmed and dropped (it was restored from a backup), `begin_anew` is called: everything
 * is to be reported again in a new stream.
 *
 * Reads the spool through its own read transactions and writes nothing: what is confirmed goes back
 * through `confirmed`, which may be called from another process later on.
 *
 * Life     ship_new -> start -> wake* -> ship_free.
 * Errors   never ends by itself; what keeps it from the collector is logged once for each new
 *          reason and shown in ship_status.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_SHIP_SHIP_H
#define TSUJIBAN_AGENT_SHIP_SHIP_H

#include "agent/state/state.h"
#include "common/io/loop.h"

struct ship;

struct ship_events {
	/* Everything up to `seq` is stored at the collector. */
	void (*confirmed)(void *ctx, uint64_t seq);
	void (*begin_anew)(void *ctx);
	/* Connected or not, and why not; for status. */
	void (*changed)(void *ctx);
};

struct ship_options {
	const char *collector; /* HOST:PORT */
	const char *dir; /* agent.key, agent.crt, ca.crt; read again for each connection; a renewed
	                    certificate is written here */
	unsigned window; /* batches in flight; default 8 */
};

int ship_new(struct loop *loop, struct state *state, const struct ship_options *options,
        const struct ship_events *events, void *ctx, struct ship **out, struct reason *out_why);
void ship_start(struct ship *ship);
void ship_free(struct ship *ship);
/* There may be new events in the spool. Cheap. */
void ship_wake(struct ship *ship);

struct ship_status {
	const char *state;    /* "offline", "connecting", "greeting", "streaming", "waiting" */
	char why[REASON_MAX]; /* the last failure; empty when streaming */
	char host[254];       /* our name at the collector, once known */
	uint64_t confirmed_seq;
	uint64_t sent_seq;
	uint64_t connected_since_ns; /* 0: not streaming */
};
void ship_status(const struct ship *ship, struct ship_status *out);

#endif
