/*
 * coverage - what the answer to a search cannot know, in words.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COLLECTOR_CLI_COVERAGE_H
#define TSUJIBAN_COLLECTOR_CLI_COVERAGE_H

#include <jansson.h>

#include "common/base/buf.h"

/* "of 40 hosts 2 are away (what they say may be stale), 1 has sent no inventory yet": of the API's
 * object. Nothing where there is nothing to say. */
void coverage_append(const json_t *coverage, struct buf *out);

#endif
