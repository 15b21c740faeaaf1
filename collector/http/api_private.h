/*
 * api_private - what the files of the API share: the routes' handlers, and small helps for them.
 *
 * A handler looks into the store in a read transaction that it ends before it returns; a listing
 * goes on in another one each time it is asked for more, so that nobody keeps old pages alive.
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_API_PRIVATE_H
#define TSUJIBAN_COLLECTOR_HTTP_API_PRIVATE_H

#include "collector/http/api.h"
#include "collector/store/hosts.h"

#define API_PIECE_BYTES (64u << 10)

struct change;

struct api {
	struct api_options options; /* but for its texts, which are the caller's */
	char ca_fingerprint[PKI_FINGERPRINT_TEXT];
	struct http_server *http;
	struct change *changes; /* submitted to the store and not done */
};

typedef void api_handler(
        void *ctx, const struct http_request *request, struct http_response *response);

api_handler api_status, api_hosts, api_host, api_revoke, api_token, api_list_tokens,
        api_revoke_token, api_search, api_packages, api_files, api_events, api_stream, api_coverage;
/* Of /hosts/NAME/facts. */
void api_facts(struct api *api, struct slice host_name, const struct http_request *request,
        struct http_response *response);

/* False with the response failed. */
bool api_begin_read(struct api *api, struct http_response *response, struct kv_txn **out);
/* NAME of NAME/what; absent: it ends otherwise. Neither a host's name nor an id has a slash. */
struct slice api_name_before(const char *tail, const char *suffix);
/* A whole number of at least 1; 0 when it is not given. */
bool api_take_count(const struct http_request *request, const char *name,
        struct http_response *response, uint64_t *out);
/* 404 "no host 'x'". The record borrows from the transaction. */
bool api_find_host(struct kv_txn *txn, struct slice name, struct http_response *response,
        struct host_record *out);

/* Listings are one object a line. */
void api_set_listing(struct http_response *response,
        enum http_more (*produce)(void *ctx, struct buf *out), void (*finish)(void *ctx),
        void *ctx);

/* "connected", "offline", "silent", "revoked". */
const char *api_host_state(const struct api *api, const struct host_record *host);
/* Appends ,"name":"2026-…" or ,"name":null for 0. */
void api_append_time(struct buf *out, const char *name, int64_t wall_ns);
/* Appends ,"name":"text" or ,"name":null for an empty one. */
void api_append_text(struct buf *out, const char *name, struct slice text);

#endif
