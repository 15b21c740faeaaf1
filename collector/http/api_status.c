#include <inttypes.h>

#include "collector/http/api_private.h"
#include "collector/query/render.h"
#include "collector/store/eventlog.h"

struct count {
	const struct api_options *options;
	uint64_t connected;
};

static bool count_connected(void *ctx, uint32_t host)
{
	struct count *count = ctx;

	count->connected += count->options->actions->is_connected(count->options->ctx, host);
	return true;
}

void api_status(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct api *api = ctx;
	const struct api_options *options = &api->options;
	struct count count = {options, 0};
	struct hostset *all;
	struct kv_txn *txn;

	(void)request;
	if (!api_begin_read(api, response, &txn))
		return;
	uint64_t end = eventlog_end(txn);
	kv_abort(txn);
	all = hostset_all(options->index);
	hostset_each(all, 0, count_connected, &count);
	hostset_free(all);
	buf_printf(&response->body,
	        "{\"version\":\"%s\",\"hosts\":%zu,\"connected\":%" PRIu64
	        ",\"facts\":%zu,\"events_end\":%" PRIu64 ",\"store_bytes\":%" PRIu64
	        ",\"index_bytes\":%zu",
	        TSUJIBAN_VERSION, index_host_count(options->index), count.connected,
	        index_fact_count(options->index), end, kv_size(store_kv(options->store)),
	        index_bytes(options->index));
	options->actions->status(options->ctx, &response->body);
	buf_append_text(&response->body, "}\n");
}
