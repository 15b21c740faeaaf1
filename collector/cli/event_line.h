/*
 * event_line - an event in words: what happened to what, and what is different now.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COLLECTOR_CLI_EVENT_LINE_H
#define TSUJIBAN_COLLECTOR_CLI_EVENT_LINE_H

#include <jansson.h>

#include "common/base/buf.h"

/* "/etc/ssh/sshd_config  mode 0644->0600, size 3200->3300, content" */
void event_line_append(const json_t *event, struct buf *out);
/* SGR parameters for the action; NULL: none. */
const char *event_line_color(const json_t *event);

#endif
