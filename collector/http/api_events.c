#include <stdlib.h>

#include "collector/http/api_private.h"
#include "collector/http/route.h"
#include "collector/http/scan.h"
#include "collector/query/render.h"
#include "collector/store/tokens.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

struct listing {
	struct api *api;
	struct scan *scan; /* NULL: nothing can match */
	bool is_stream;
	uint8_t token[SHA256_BYTES];  /* of a stream: the hash of whose it is */
	uint64_t end;                 /* of the log when a listing began; a stream has none */
	uint64_t left;                /* may still be given */
	uint64_t back, back_position; /* the newest so many are looked for, down from there */
};

static void free_listing(void *ctx)
{
	struct listing *listing = ctx;

	scan_free(listing->scan);
	free(listing);
}

/* --- giving -------------------------------------------------------------------------------- */

/* https://html.spec.whatwg.org/multipage/server-sent-events.html section 9.2.5 */
static void append_stream_event(struct buf *out, const struct scan_hit *hit)
{
	char id[EVENT_ID_TEXT];

	event_id_text(hit->id, id);
	buf_printf(out, "id: %s\ndata: ", id);
	render_event(out, hit->host, hit->id, hit->event);
	buf_append_byte(out, '\n');
}

static enum http_more give_events(struct listing *listing, struct kv_txn *txn, struct buf *out)
{
	uint64_t end = listing->is_stream ? eventlog_end(txn) : listing->end;
	unsigned budget = SCAN_BUDGET;
	struct scan_hit hit;

	if (!listing->scan)
		return listing->is_stream ? HTTP_WAIT : HTTP_END;
	if (listing->back > 0 && scan_back(listing->scan, txn, &listing->back_position,
	                                 &listing->back, &budget) == SCAN_SPENT)
		return HTTP_MORE;
	listing->back = 0;
	while (out->len < API_PIECE_BYTES) {
		int rc = scan_next(listing->scan, txn, end, &budget, &hit);
		if (rc == SCAN_SPENT)
			return HTTP_MORE;
		if (rc == 0)
			return listing->is_stream ? HTTP_WAIT : HTTP_END;
		if (listing->is_stream)
			append_stream_event(out, &hit);
		else
			render_event(out, hit.host, hit.id, hit.event);
		if (--listing->left == 0)
			return HTTP_END;
	}
	return HTTP_MORE;
}

/* A stream may outlive the token with which it was asked for. */
static bool may_go_on(const struct listing *listing, struct kv_txn *txn)
{
	struct token_record token;
	struct reason why;

	return !listing->is_stream ||
	       tokens_find_hash(txn, listing->token, clock_wall_ns(), &token, &why) == 0;
}

static enum http_more list_events(void *ctx, struct buf *out)
{
	struct listing *listing = ctx;
	enum http_more more = HTTP_END;
	struct kv_txn *txn;

	int rc = kv_begin_read(store_kv(listing->api->options.store), &txn);
	if (rc < 0) {
		log_error("cannot list events: %s", err_text(rc));
		return HTTP_END;
	}
	if (may_go_on(listing, txn))
		more = give_events(listing, txn, out);
	kv_abort(txn);
	return more;
}

/* --- asking -------------------------------------------------------------------------------- */

/* q, host and since. False with the response failed. */
static bool take_filter(struct api *api, struct kv_txn *txn, const struct http_request *request,
        struct http_response *response, struct scan_filter *out)
{
	struct slice q = http_param(request, "q"), host_name = http_param(request, "host");
	struct slice since = http_param(request, "since");
	struct host_record host;
	struct reason why;

	*out = (struct scan_filter){
	        .index = api->options.index, .host = UINT32_MAX, .since_ns = INT64_MIN};
	if (since.ptr && !clock_parse_since(since, clock_wall_ns(), &out->since_ns)) {
		http_fail(response, 400,
		        "since has to be a time like 2026-11-22T10:00:00Z or a duration like 2h");
		return false;
	}
	if (host_name.ptr) {
		if (!api_find_host(txn, host_name, response, &host))
			return false;
		out->host = host.id;
	}
	if (q.len > 0 && query_parse(q, QUERY_EVENTS, &out->query, &why) < 0) {
		http_fail(response, 400, "%s", why.text);
		return false;
	}
	return true;
}

static struct listing *listing_new(struct api *api, struct scan_filter *filter)
{
	struct listing *listing = mem_new(sizeof(*listing));
	uint32_t only = filter->query ? query_only_host(filter->query, filter->index) : UINT32_MAX;

	listing->api = api;
	listing->left = UINT64_MAX;
	if (only != UINT32_MAX && filter->host != UINT32_MAX && only != filter->host) {
		query_free(filter->query);
		return listing;
	}
	if (only != UINT32_MAX)
		filter->host = only;
	listing->scan = scan_new(filter);
	return listing;
}

void api_events(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct api *api = ctx;
	struct scan_filter filter;
	struct kv_txn *txn;
	uint64_t limit, last;

	if (!api_take_count(request, "limit", response, &limit) ||
	        !api_take_count(request, "last", response, &last))
		return;
	if (limit && last) {
		http_fail(response, 400, "limit or last, not both");
		return;
	}
	if (!api_begin_read(api, response, &txn))
		return;
	if (take_filter(api, txn, request, response, &filter)) {
		struct listing *listing = listing_new(api, &filter);
		listing->end = listing->back_position = eventlog_end(txn);
		listing->left = limit ? limit : UINT64_MAX;
		listing->back = last;
		api_set_listing(response, list_events, free_listing, listing);
	}
	kv_abort(txn);
}

/* Where a stream begins: behind the last event that the client has seen; at the log's beginning
 * when it wants what is newer than a time; otherwise at the end. An id beyond the end is of a store
 * that was put back: then only what is new. */
static struct event_id stream_begin(uint64_t end, const struct event_id *seen, bool has_since)
{
	if (!seen && has_since)
		return (struct event_id){1, 0};
	if (!seen || seen->position > end || seen->place == UINT32_MAX)
		return (struct event_id){
		        (seen && seen->position < end ? seen->position : end) + 1, 0};
	return (struct event_id){seen->position, seen->place + 1};
}

/* Sends the head at once, so that the client sees that it is connected, and the id of what is in
 * front of a stream of new events: without events between them, a second connection goes on where
 * the first one began. */
static void append_greeting(struct buf *out, struct event_id begin, bool is_new_only)
{
	char id[EVENT_ID_TEXT];

	buf_append_text(out, ":\n");
	if (is_new_only) {
		event_id_text((struct event_id){begin.position - 1, UINT32_MAX}, id);
		buf_printf(out, "id: %s\n", id);
	}
	buf_append_byte(out, '\n');
}

void api_stream(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct slice last_id = http_header(request, "last-event-id");
	bool has_since = http_param(request, "since").ptr != NULL;
	struct api *api = ctx;
	struct scan_filter filter;
	struct event_id seen;
	struct kv_txn *txn;

	if (last_id.len > 0 && !event_id_parse(text_trim(last_id), &seen)) {
		http_fail(response, 400, "last-event-id is no id of an event");
		return;
	}
	if (!api_begin_read(api, response, &txn))
		return;
	if (take_filter(api, txn, request, response, &filter)) {
		struct listing *listing = listing_new(api, &filter);
		listing->is_stream = true;
		digest_of(route_bearer(http_header(request, "authorization")), listing->token);
		struct event_id begin = stream_begin(
		        eventlog_end(txn), last_id.len > 0 ? &seen : NULL, has_since);
		if (listing->scan)
			scan_from(listing->scan, begin);
		api_set_listing(response, list_events, free_listing, listing);
		response->content_type = "text/event-stream";
		append_greeting(&response->body, begin, last_id.len == 0 && !has_since);
	}
	kv_abort(txn);
}
