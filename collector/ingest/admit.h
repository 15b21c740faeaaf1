/*
 * admit - enrolment: a token is spent, a certificate signed, a host written, in one transaction.
 *
 * Thread   the loop's; the store job's apply runs on the writer's.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_ADMIT_H
#define TSUJIBAN_COLLECTOR_INGEST_ADMIT_H

#include "collector/ingest/peer.h"

void admit(struct peer *peer, const struct enroll_request *request);

#endif
