/*
 * render_parts - what events and listings of files show alike.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COLLECTOR_QUERY_RENDER_PARTS_H
#define TSUJIBAN_COLLECTOR_QUERY_RENDER_PARTS_H

#include "common/base/buf.h"
#include "common/model/filestate.h"

/* The state of a file within an event; NULL: null. */
void render_state(struct buf *out, const char *name, const struct filestate *state);

#endif
