/*
 * rebuild - from the store to the index: everything at start, a host's own labels whenever they were swept away.
 *
 * A host has labels of its own, given with the token that it enrolled with, besides those of its agent's configuration;
 * only the latter come as events.
 *
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_REBUILD_H
#define TSUJIBAN_COLLECTOR_REBUILD_H

#include <stdint.h>

#include "common/base/err.h"

struct index;
struct store;

int rebuild_index(struct store *store, struct index *index, struct reason *out_why);
/* The host is in the index. A store that cannot be read is logged: the labels come back with the next start. */
void rebuild_labels(struct store *store, struct index *index, uint32_t host);

#endif
