/*
 * app_json - a JSON file of unknown making, as a tree.
 *
 * Such files come from anybody, so the tree's size is bounded before it is made: by the file's
 * bytes, by the count of what opens or separates values, and by libjansson's own bound on depth.
 * A key that stands twice counts as it stood last, as it does for JSON.parse and json_decode.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_APPS_APP_JSON_H
#define TSUJIBAN_AGENT_APPS_APP_JSON_H

#include <jansson.h>

#include "agent/apps/app.h"

/* On success *out_root is the caller's to json_decref. ERR_FORMAT: no JSON; ERR_LIMIT: beyond
 * `limit_bytes`, too many values, or too deep. */
int app_json_read(
        const struct app_file *file, size_t limit_bytes, json_t **out_root, struct reason *out_why);
/* The same of what was read already; `text` may be changed. */
int app_json_parse(struct buf *text, json_t **out_root, struct reason *out_why);
/* Borrowed from the object; absent when there is no such key or it is no string. Any bytes that
 * are UTF-8, NUL among them. */
struct slice app_json_text(const json_t *object, const char *key);

#endif
