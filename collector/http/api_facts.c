#include <stdlib.h>

#include "collector/http/api_private.h"
#include "collector/query/render.h"
#include "collector/store/picture.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define FACTS_A_STEP 256

struct listing {
	struct api *api;
	uint32_t host;
	unsigned kind; /* 0: all */
	struct buf cursor;
};

static int add_fact(void *ctx, const struct fact *fact)
{
	render_any_fact(ctx, fact);
	return 0;
}

static enum http_more list_facts(void *ctx, struct buf *out)
{
	struct listing *listing = ctx;
	struct kv_txn *txn;
	int rc = kv_begin_read(store_kv(listing->api->options.store), &txn);

	if (rc == 0) {
		rc = picture_facts_from(txn, listing->host, listing->kind, &listing->cursor,
		        FACTS_A_STEP, add_fact, out);
		kv_abort(txn);
	}
	if (rc < 0)
		log_error("cannot list facts: %s", err_text(rc));
	return rc > 0 ? HTTP_MORE : HTTP_END;
}

static void free_listing(void *ctx)
{
	struct listing *listing = ctx;

	buf_fini(&listing->cursor);
	free(listing);
}

static bool take_kind(
        const struct http_request *request, struct http_response *response, unsigned *out)
{
	struct slice name = http_param(request, "kind");
	struct buf names = BUF_INIT;
	enum fact_kind kind;

	*out = 0;
	if (name.len == 0)
		return true;
	if (fact_kind_parse(name, &kind)) {
		*out = kind;
		return true;
	}
	for (unsigned i = 1; i <= FACT_KIND_MAX; i++)
		buf_printf(&names, "%s%s", i > 1 ? ", " : "", fact_kind_name((enum fact_kind)i));
	http_fail(response, 400, "no such kind of fact: there are %s", buf_text(&names));
	buf_fini(&names);
	return false;
}

void api_facts(struct api *api, struct slice host_name, const struct http_request *request,
        struct http_response *response)
{
	struct host_record host;
	struct kv_txn *txn;
	unsigned kind;

	if (!take_kind(request, response, &kind) || !api_begin_read(api, response, &txn))
		return;
	if (api_find_host(txn, host_name, response, &host)) {
		struct listing *listing = mem_new(sizeof(*listing));
		listing->api = api;
		listing->host = host.id;
		listing->kind = kind;
		api_set_listing(response, list_facts, free_listing, listing);
	}
	kv_abort(txn);
}
