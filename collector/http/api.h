/*
 * api - what the HTTPS API answers: the routes and their handlers, one file a resource.
 *
 *   GET  /api/v1/status                                            fleet and store in one object
 *   GET  /api/v1/hosts                                             one object a line
 *   GET  /api/v1/hosts/NAME                                        one object; its lists end after
 *                                                                  some elements
 *   GET  /api/v1/hosts/NAME/facts  kind                            of the kind, or all
 *   POST /api/v1/hosts/NAME/revoke                                 admin
 *   POST /api/v1/tokens         {"ttl":"1h","labels":{…}}        admin: {"token",
 *                                                                "ca_fingerprint","expires"}
 *   GET  /api/v1/search         q, count_by, limit
 *   GET  /api/v1/search/coverage   q                               for how many hosts its answer is
 *                                                                  stale, unknown or unordered
 *   GET  /api/v1/packages       name, host                         at least one of them
 *   GET  /api/v1/files          host, prefix
 *   GET  /api/v1/events         q, host, since, limit or last      oldest first; last: the newest
 *                                                                  so many
 *   GET  /api/v1/events/stream  q, host, since; Last-Event-ID      text/event-stream; id: and data:
 *
 * Lists are one object a line. Errors are http.h's; a bad query is 400 with its sentence, a host
 * that nobody has enrolled 404.
 *
 * Knows the store (to read), the index and queries; changes go out as calls of `struct
 * api_actions`.
 *
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_API_H
#define TSUJIBAN_COLLECTOR_HTTP_API_H

#include "collector/http/http.h"
#include "collector/index/index.h"
#include "collector/store/store.h"

struct api;

struct api_actions {
	/* Whether the host has a session now. */
	bool (*is_connected)(void *ctx, uint32_t host);
	/* Whether it was told to be away for too long. */
	bool (*is_silent)(void *ctx, uint32_t host);
	/* Ends the session of a host that has just been revoked. */
	void (*revoked)(void *ctx, uint32_t host);
	/* Events stored since start, sessions, frames refused, …: appended as JSON members, each
	 * behind a comma: ,"sessions":3 */
	void (*status)(void *ctx, struct buf *out);
};

struct api_options {
	const char *address, *cert_file, *key_file;
	const char *ca_fingerprint; /* "sha256:…", given out with tokens */
	unsigned connections;
	struct loop *loop;
	struct store *store;
	struct index *index;
	const struct api_actions *actions;
	void *ctx;
};

int api_open(const struct api_options *options, struct api **out, struct reason *out_why);
void api_close(struct api *api);
unsigned api_port(const struct api *api);
/* A batch was committed: streams look for more. */
void api_committed(struct api *api);

#endif
