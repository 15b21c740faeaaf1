/*
 * json_text - members of JSON objects (RFC 8259), appended one after the other.
 *
 * The caller writes the braces; a member puts the comma before itself where one is needed.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COLLECTOR_QUERY_JSON_TEXT_H
#define TSUJIBAN_COLLECTOR_QUERY_JSON_TEXT_H

#include "common/base/buf.h"

/* As it is: punctuation, or what is known to be plain. */
void json_put(struct buf *out, const char *text);
/* ,"name": or, as an object's first member, without the comma. */
void json_put_name(struct buf *out, const char *name);
/* Bytes that are not UTF-8 are shown escaped, and stand in `<name>_b64` as well. */
void json_put_text(struct buf *out, const char *name, struct slice text);
void json_put_text_or_null(struct buf *out, const char *name, struct slice text);
/* A word of ours, which needs no escaping; NULL: null. */
void json_put_word(struct buf *out, const char *name, const char *word);
void json_put_count(struct buf *out, const char *name, uint64_t count);
/* RFC 3339. */
void json_put_time(struct buf *out, const char *name, int64_t wall_ns);

#endif
