/*
 * ship - carries the spool to the collector, exactly once and in order; the half that sends.
 *
 *   offline -> asking -> connecting -ready-> greeting (Hello sent) -Welcome-> streaming
 *                  ^--- waiting (backoff) <--- closed, from any of them
 *
 * Before each connection the reading half is asked for what it begins with (agent/seam/seam.h).
 * After Welcome everything up to its stored_seq is confirmed, and events are pulled and sent from
 * there, a window of batches in flight. An Ack confirms. When the collector's stored_seq is below
 * what was already confirmed and dropped (it was restored from a backup), everything is to be
 * reported anew in a new stream. A heartbeat is sent when the reading half has said that it lives.
 *
 * Life     ship_new (takes its end of the channel) -> the loop -> ship_free.
 * Errors   never ends by itself; what keeps it from the collector is logged once for each new
 *          reason and told to the reading half. `over` is called when that is gone, and when files
 *          that a connection needs are not those any more that the process may read.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_SHIP_SHIP_H
#define TSUJIBAN_AGENT_SHIP_SHIP_H

#include "common/io/loop.h"

struct confine_notes;
struct ship;

/* `window`: batches in flight, 0 for the default of 8. */
struct ship *ship_new(
        struct loop *loop, int fd, unsigned window, void (*over)(void *ctx), void *ctx);
void ship_free(struct ship *ship);
/* For the reading half's status; borrowed. */
void ship_set_confined(struct ship *ship, const struct confine_notes *notes);

#endif
