/*
 * intake - a batch: opened with caps, decoded, checked, stored, told to the index, acknowledged.
 *
 * Thread   the loop's; the store job's apply runs on the writer's.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_INTAKE_H
#define TSUJIBAN_COLLECTOR_INGEST_INTAKE_H

#include "collector/ingest/peer.h"

void intake_batch(struct peer *peer, const struct frame *frame);
/* Frees the idle jobs of the ingest. */
void intake_fini(struct ingest *ingest);

#endif
