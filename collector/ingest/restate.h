/*
 * restate - state sync with one peer: its facts put right where the collector's picture of them is
 * another than what the agent says (common/model/section.h has the words).
 *
 *   rests -(roots differ)-> asked: Want sent -Offer-> queued -a slot-> trying -+-> rests
 *                                                        ^                    | buckets are missing
 *                                                        +-- wanting <--------+ Want sent
 *                                                              Bucket, the last
 *
 * Slots are few, so that of many hosts with the same facts the first ones show them and the others
 * find them known when their turn comes.
 *
 * Events of facts that arrive meanwhile are applied as ever. What is put in place may be older than
 * they are, so that the whole is done again then, as often as it takes. Buckets that are not what
 * was offered, without such news, are given up after some rounds, until the next difference; a host
 * with more facts than the memory for them holds is left alone until it connects again. A host that
 * was given a slot and did not answer, or that shows more than its limits allow, gets none for an
 * hour.
 *
 * Thread   the loop's; the store job's apply runs on the writer's.
 */
#ifndef TSUJIBAN_COLLECTOR_INGEST_RESTATE_H
#define TSUJIBAN_COLLECTOR_INGEST_RESTATE_H

#include "collector/ingest/peer.h"

/* The roots differ. */
void restate_begin(struct peer *peer);
/* A batch with a root was stored. */
void restate_facts_came(struct peer *peer);
bool restate_expects(const struct peer *peer, enum frame_kind kind);
void restate_offer(struct peer *peer, const struct frame *frame);
void restate_bucket(struct peer *peer, const struct frame *frame);
/* For how long the peer owes a slot's answer, ms; 0: it owes none. */
uint64_t restate_owes_ms(const struct peer *peer);
/* It came to nothing by the peer's doing: the host gets no slot for a while. */
void restate_failed(struct peer *peer);
/* The connection is gone. */
void restate_drop(struct peer *peer);

#endif
