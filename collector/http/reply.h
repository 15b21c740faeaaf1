/*
 * reply - an answer as HTTP/1.1 writes it, piece by piece: head, then content with a length or in
 * chunks (RFC 9112 section 7.1).
 *
 * Life     zeroed; is_head, is_old and closes are the caller's; then reply_next until HTTP_END.
 * Thread   any; no state but the caller's.
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_REPLY_H
#define TSUJIBAN_COLLECTOR_HTTP_REPLY_H

#include "collector/http/http.h"

#define REPLY_PIECE_BYTES (64u << 10)

struct reply {
	bool is_head; /* answers a HEAD request: no content */
	bool is_old;  /* HTTP/1.0: knows no chunks, the end of the connection ends the content */
	bool closes;  /* says so; the caller does it */

	bool has_head_gone;
	bool is_chunked;
	size_t body_gone; /* of response->body */
};

/* Appends the next bytes to `out`: perhaps none, when there is nothing to say yet. `comment_due`: a
 * stream without news says an empty line for comments. */
enum http_more reply_next(
        struct reply *reply, struct http_response *response, bool comment_due, struct buf *out);

#endif
