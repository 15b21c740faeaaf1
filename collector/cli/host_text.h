/*
 * host_text - all that is known of a host, in groups for a person to read.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COLLECTOR_CLI_HOST_TEXT_H
#define TSUJIBAN_COLLECTOR_CLI_HOST_TEXT_H

#include <jansson.h>

#include "common/base/buf.h"

/* The API's object of a host. `has_color`: titles stand out. What came from the host is escaped. */
void host_text_append(const json_t *host, bool has_color, struct buf *out);

#endif
