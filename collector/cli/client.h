/*
 * client - the collector's API over HTTPS: libcurl, one request at a time.
 *
 * The server is trusted by the given CA alone, not by what the system trusts, and is spoken to
 * directly: no proxy.
 *
 * Life     client_open -> requests -> client_close.
 * Errors   ERR_REFUSED: the server answered and said no (its own sentence); ERR_CLOSED: it could
 *          not be reached or the connection broke; ERR_TLS; what a callback returned. The sentence
 *          names the server.
 * Limits   a line is at most CLIENT_LINE_MAX.
 */
#ifndef TSUJIBAN_COLLECTOR_CLI_CLIENT_H
#define TSUJIBAN_COLLECTOR_CLI_CLIENT_H

#include "collector/cli/settings.h"

#define CLIENT_LINE_MAX (16u << 20)

struct client;

int client_open(const struct settings *settings, struct client **out, struct reason *out_why);
void client_close(struct client *client);

/* Gives each line of the answer, without its end, as it comes; a negative answer of `line` ends the
 * request with that code. A last line without an end is not given: the answer was cut. */
int client_get(struct client *client, const char *path, int (*line)(void *ctx, struct slice line),
        void *ctx, struct reason *out_why);
int client_post(struct client *client, const char *path, struct slice json,
        int (*line)(void *ctx, struct slice line), void *ctx, struct reason *out_why);
/* As client_get, for text/event-stream; `last_id` (may be empty) is sent as Last-Event-ID. Ends
 * with ERR_CLOSED when the server ends it; says nothing for a minute: likewise. */
int client_stream(struct client *client, const char *path, const char *last_id,
        int (*line)(void *ctx, struct slice line), void *ctx, struct reason *out_why);

/* Appends "?name=value" or "&name=value", percent-encoded; nothing for a NULL value. */
void client_add_param(struct buf *path, const char *name, const char *value);
/* Appends a part of a path, percent-encoded. */
void client_add_part(struct buf *path, const char *part);

#endif
