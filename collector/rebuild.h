/*
 * rebuild - from the store to the index, at start.
 *
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_REBUILD_H
#define TSUJIBAN_COLLECTOR_REBUILD_H

#include "common/base/err.h"

struct index;
struct store;

int rebuild_index(struct store *store, struct index *index, struct reason *out_why);

#endif
