#include <stdlib.h>

#include "collector/http/api_private.h"
#include "collector/query/render.h"
#include "collector/store/picture.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define FILES_A_STEP 256

struct listing {
	struct api *api;
	uint32_t host;
	struct buf prefix;
	struct buf cursor;
};

static int add_file(void *ctx, struct slice path, const struct filestate *state)
{
	render_file(ctx, path, state);
	return 0;
}

static enum http_more list_files(void *ctx, struct buf *out)
{
	struct listing *listing = ctx;
	struct kv_txn *txn;
	int rc = kv_begin_read(store_kv(listing->api->options.store), &txn);

	if (rc == 0) {
		rc = picture_files(txn, listing->host, buf_slice(&listing->prefix),
		        &listing->cursor, FILES_A_STEP, add_file, out);
		kv_abort(txn);
	}
	if (rc < 0)
		log_error("cannot list files: %s", err_text(rc));
	return rc > 0 ? HTTP_MORE : HTTP_END;
}

static void free_listing(void *ctx)
{
	struct listing *listing = ctx;

	buf_fini(&listing->prefix);
	buf_fini(&listing->cursor);
	free(listing);
}

void api_files(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct slice prefix = http_param(request, "prefix");
	struct api *api = ctx;
	struct host_record host;
	struct kv_txn *txn;

	if (!http_param(request, "host").ptr) {
		http_fail(response, 400, "which host: give host");
		return;
	}
	if (prefix.len > 0 && prefix.ptr[0] != '/') {
		http_fail(response, 400, "prefix has to be a path that begins with a slash");
		return;
	}
	if (!api_begin_read(api, response, &txn))
		return;
	if (api_find_host(txn, http_param(request, "host"), response, &host)) {
		struct listing *listing = mem_new(sizeof(*listing));
		listing->api = api;
		listing->host = host.id;
		buf_append_slice(&listing->prefix, prefix);
		api_set_listing(response, list_files, free_listing, listing);
	}
	kv_abort(txn);
}
