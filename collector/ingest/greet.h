/*
 * greet - a stream's Hello is answered with Welcome.
 *
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_GREET_H
#define TSUJIBAN_COLLECTOR_INGEST_GREET_H

#include "collector/ingest/peer.h"

void greet(struct peer *peer, const struct hello *hello);

#endif
