/*
 * render - events, files, facts and hosts as the JSON of the public interface, one object a line.
 *
 * Names and forms are fixed: README and manual describe them. Text that is not UTF-8 is shown
 * escaped, and its bytes stand beside it in `<name>_b64`.
 *
 * Owner    lines are appended to `out`, each with its '\n'.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COLLECTOR_QUERY_RENDER_H
#define TSUJIBAN_COLLECTOR_QUERY_RENDER_H

#include "collector/store/eventlog.h"
#include "common/base/buf.h"
#include "common/model/event.h"

void render_event(
        struct buf *out, struct slice host, struct event_id id, const struct event *event);
/* {"path","type","mode","uid","gid","size","sha256","target"} and owner, group, mtime. */
void render_file(struct buf *out, struct slice path, const struct filestate *state);
/* {"manager","name","arch","version","source","source_version","status"} and so on: the fields of
 * the kind's table; `extra` (may be NULL) is appended as it stands, for example ",\"hosts\":12". */
void render_fact(struct buf *out, const struct fact *fact, const char *extra);
/* {"kind","name",…}: one among facts of any kind. */
void render_any_fact(struct buf *out, const struct fact *fact);
/* Appends a JSON string with its quotes: display-escaped when it is not UTF-8. */
void render_text(struct buf *out, struct slice text);

#endif
