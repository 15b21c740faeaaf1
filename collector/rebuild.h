/*
 * rebuild - from the store to the index: everything at start, one host after its facts were put
 * right.
 *
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_REBUILD_H
#define TSUJIBAN_COLLECTOR_REBUILD_H

#include <stdint.h>

#include "common/base/err.h"

struct index;
struct service;
struct store;

/* It may take minutes: the service manager is told how far it is, so that it waits. */
int rebuild_index(
        struct store *store, struct index *index, struct service *service, struct reason *out_why);
/* The host's facts as the store has them, in place of those that the index has. */
int rebuild_facts(struct store *store, struct index *index, uint32_t host, struct reason *out_why);

#endif
