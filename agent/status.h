/*
 * status - what the running agent says of itself, in a file that `tsujiban-agent status` reads.
 *
 * STATE_DIR/status is STATUS_FILE_BYTES long and written in place with one pwrite(2), so that it
 * works on a full disk:
 *
 *   "tsujiban-agent status 1\n"
 *   "key\tvalue\n"       any number: value display-escaped, a key may come again (a list)
 *   "end\n"              and newlines up to the length
 *
 * Life     status_open -> (status_begin -> status_put* -> status_end)* -> status_close.
 * Thread   one; status_print: any process.
 */
#ifndef TSUJIBAN_AGENT_STATUS_H
#define TSUJIBAN_AGENT_STATUS_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define STATUS_FILE_BYTES 16384

struct status {
	int fd;
	struct buf text;
};

int status_open(const char *dir, struct status *out, struct reason *out_why);
void status_close(struct status *status);

void status_begin(struct status *status);
/* A line that would not fit is left out. */
void status_put(struct status *status, const char *key, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void status_end(struct status *status);

/* Whether an agent runs on DIR, its status file, and the store's own figures, as text for people or
 * as one JSON object. */
int status_print(const char *dir, bool as_json, struct buf *out, struct reason *out_why);

#endif
