/*
 * held - a host is held back for its pace: stored as an event of the collector's own, once a day.
 *
 * Thread   the loop's; the store job's apply runs on the writer's.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_HELD_H
#define TSUJIBAN_COLLECTOR_INGEST_HELD_H

#include "collector/ingest/peer.h"

void held_tell(struct peer *peer);

#endif
