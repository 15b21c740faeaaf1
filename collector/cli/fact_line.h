/*
 * fact_line - a fact in words: what it is called, what is true of it, and what became of it.
 *
 * Takes facts as the API shows them; members that are missing are left out.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COLLECTOR_CLI_FACT_LINE_H
#define TSUJIBAN_COLLECTOR_CLI_FACT_LINE_H

#include <jansson.h>

#include "common/base/buf.h"

/* "tcp 0.0.0.0:443 /usr/sbin/nginx", "dpkg openssl": what tells it from others of its kind. */
void fact_line_append_name(const char *kind, const json_t *fact, struct buf *out);
/* "3.0.15", "enabled": what may change while the name stays; nothing where there is nothing. */
void fact_line_append_value(const char *kind, const json_t *fact, struct buf *out);
/* "package dpkg openssl upgraded 3.0.14 -> 3.0.15", "account bob added 1000 /bin/bash". `before` or
 * `after` is no object where there was or is none. `is_news`: false at first sight, when nothing
 * has happened. */
void fact_line_append_change(
        const char *kind, const json_t *before, const json_t *after, bool is_news, struct buf *out);

#endif
