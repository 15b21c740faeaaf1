/*
 * gate - connections that are nobody's yet: from the first packet until a session begins.
 *
 * They are few at once, in all and from one network (conn_peer_network). When all places are taken,
 * the one that has had the longest time to say who it is makes room, once that was long enough.
 *
 * Life     gate_enter -> gate_leave, which does nothing the second time.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_GATE_H
#define TSUJIBAN_COLLECTOR_INGEST_GATE_H

#include "collector/ingest/peer.h"

/* False, and why: there is no place. */
bool gate_enter(struct peer *peer, const char **out_why);
void gate_leave(struct peer *peer);

#endif
