#include <stdlib.h>

#include "collector/http/change.h"
#include "collector/http/hostview.h"
#include "collector/query/render.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

/* A host's line counts its packages: so many lines are one short step. */
#define LINES_A_STEP 64

/* --- listing ------------------------------------------------------------------------------- */

struct listing {
	struct api *api;
	uint32_t next; /* host numbers are dense */
};

static enum http_more list_hosts(void *ctx, struct buf *out)
{
	struct listing *listing = ctx;
	struct host_record host;
	struct kv_txn *txn;
	int rc = kv_begin_read(store_kv(listing->api->options.store), &txn);

	if (rc < 0) {
		log_error("cannot list hosts: %s", err_text(rc));
		return HTTP_END;
	}
	for (int i = 0; i < LINES_A_STEP && out->len < API_PIECE_BYTES; i++) {
		rc = hosts_get(txn, listing->next, &host);
		if (rc < 0)
			break;
		hostview_append_line(listing->api, txn, &host, out);
		listing->next++;
	}
	kv_abort(txn);
	return rc < 0 ? HTTP_END : HTTP_MORE;
}

void api_hosts(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct listing *listing = mem_new(sizeof(*listing));

	(void)request;
	listing->api = ctx;
	api_set_listing(response, list_hosts, free, listing);
}

void api_host(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct slice name = api_name_before(request->tail, "/facts");
	struct api *api = ctx;
	struct host_record host;
	struct kv_txn *txn;

	if (name.ptr) {
		api_facts(api, name, request, response);
		return;
	}
	if (!api_begin_read(api, response, &txn))
		return;
	if (api_find_host(txn, slice_text(request->tail), response, &host))
		hostview_append_all(api, txn, &host, &response->body);
	kv_abort(txn);
}

/* --- revoking ------------------------------------------------------------------------------ */

struct revoke {
	struct change change;
	char name[PKI_NAME_MAX + 1];
	char who[AUDIT_WHO_MAX];
	uint32_t host;
	bool is_known;
};

static int revoke_host(struct change *change, struct kv_txn *txn, struct reason *out_why)
{
	struct revoke *revoke = (struct revoke *)(void *)change;
	struct host_record host;
	int rc = hosts_find(txn, slice_text(revoke->name), &host);

	revoke->is_known = rc == 0;
	if (rc == ERR_MISSING)
		return 0;
	if (rc == 0) {
		revoke->host = host.id;
		host.is_revoked = true;
		rc = hosts_put(txn, &host, NULL);
	}
	if (rc < 0)
		return fail(out_why, rc, "cannot revoke host '%s': %s", revoke->name, err_text(rc));
	return 0;
}

static void host_is_revoked(struct change *change, struct api *api, struct http_response *response)
{
	struct revoke *revoke = (struct revoke *)(void *)change;

	if (revoke->is_known) {
		log_info("audit: host '%s' revoked %s", revoke->name, revoke->who);
		api->options.actions->revoked(api->options.ctx, revoke->host);
	}
	if (!response)
		return;
	if (!revoke->is_known) {
		http_fail(response, 404, "no host '%s'", revoke->name);
		return;
	}
	buf_append_text(&response->body, "{\"host\":");
	render_text(&response->body, slice_text(revoke->name));
	buf_append_text(&response->body, ",\"state\":\"revoked\"}\n");
}

static void free_revoke(struct change *change)
{
	free(change);
}

void api_revoke(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct slice name = api_name_before(request->tail, "/revoke");

	if (!name.ptr) {
		http_fail(response, 404, "no such resource");
		return;
	}
	if (!text_is_host_name(name)) {
		http_fail(response, 404, "no such host: that is no host name");
		return;
	}
	struct revoke *revoke = mem_new(sizeof(*revoke));
	memcpy(revoke->name, name.ptr, name.len);
	audit_who(request, revoke->who);
	revoke->change.apply = revoke_host;
	revoke->change.settle = host_is_revoked;
	revoke->change.release = free_revoke;
	change_submit(&revoke->change, ctx, response);
}
