#include "collector/http/api_private.h"

#include <stdio.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/http/change.h"
#include "collector/query/render.h"
#include "collector/store/tokens.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

static const struct http_route routes[] = {
        {"GET", "/api/v1/status", HTTP_READ, api_status},
        {"GET", "/api/v1/hosts", HTTP_READ, api_hosts},
        {"GET", "/api/v1/hosts/*", HTTP_READ, api_host},
        {"POST", "/api/v1/hosts/*", HTTP_ADMIN, api_revoke},
        {"POST", "/api/v1/tokens", HTTP_ADMIN, api_token},
        {"GET", "/api/v1/tokens", HTTP_ADMIN, api_list_tokens},
        {"POST", "/api/v1/tokens/*", HTTP_ADMIN, api_revoke_token},
        {"GET", "/api/v1/search", HTTP_READ, api_search},
        {"GET", "/api/v1/search/coverage", HTTP_READ, api_coverage},
        {"GET", "/api/v1/packages", HTTP_READ, api_packages},
        {"GET", "/api/v1/files", HTTP_READ, api_files},
        {"GET", "/api/v1/events", HTTP_READ, api_events},
        {"GET", "/api/v1/events/stream", HTTP_READ, api_stream},
        {NULL, NULL, HTTP_NOBODY, NULL},
};

/* --- who asks ------------------------------------------------------------------------------ */

static enum http_role role_of(const struct token_record *token)
{
	switch (token->role) {
	case TOKEN_READ:
		return HTTP_READ;
	case TOKEN_ADMIN:
		return HTTP_ADMIN;
	default:
		return HTTP_NOBODY; /* enrolment tokens open nothing here */
	}
}

static enum http_role authorize(void *ctx, struct slice bearer_token)
{
	struct api *api = ctx;
	struct token_record token;
	struct reason why;
	struct kv_txn *txn;
	enum http_role role = HTTP_NOBODY;
	int rc = kv_begin_read(store_kv(api->options.store), &txn);

	if (rc < 0) {
		log_error("cannot read tokens: %s", err_text(rc));
		return HTTP_NOBODY;
	}
	if (tokens_find(txn, bearer_token, clock_wall_ns(), &token, &why) == 0)
		role = role_of(&token);
	kv_abort(txn);
	return role;
}

/* --- helps for handlers -------------------------------------------------------------------- */

bool api_begin_read(struct api *api, struct http_response *response, struct kv_txn **out)
{
	int rc = kv_begin_read(store_kv(api->options.store), out);

	if (rc < 0)
		http_fail(response, 500, "cannot read the store: %s", err_text(rc));
	return rc == 0;
}

bool api_take_count(const struct http_request *request, const char *name,
        struct http_response *response, uint64_t *out)
{
	struct slice text = http_param(request, name);

	*out = 0;
	if (!text.ptr || (text_parse_u64(text, UINT32_MAX, out) && *out > 0))
		return true;
	http_fail(response, 400, "%s has to be a number of at least 1", name);
	return false;
}

bool api_find_host(struct kv_txn *txn, struct slice name, struct http_response *response,
        struct host_record *out)
{
	struct buf shown = BUF_INIT;
	int rc = hosts_find(txn, name, out);

	if (rc == 0)
		return true;
	text_append_display(&shown, name);
	if (rc == ERR_MISSING)
		http_fail(response, 404, "no host '%s'", buf_text(&shown));
	else
		http_fail(response, 500, "cannot read the record of host '%s': %s",
		        buf_text(&shown), err_text(rc));
	buf_fini(&shown);
	return false;
}

struct slice api_name_before(const char *tail, const char *suffix)
{
	size_t len = strlen(tail), suffix_len = strlen(suffix);

	if (len <= suffix_len || strcmp(tail + len - suffix_len, suffix) != 0)
		return slice_of(NULL, 0);
	return slice_of(tail, len - suffix_len);
}

void api_set_listing(struct http_response *response,
        enum http_more (*produce)(void *ctx, struct buf *out), void (*finish)(void *ctx), void *ctx)
{
	response->content_type = "application/x-ndjson";
	response->produce = produce;
	response->finish = finish;
	response->ctx = ctx;
}

const char *api_host_state(const struct api *api, const struct host_record *host)
{
	const struct api_options *options = &api->options;

	if (host->is_revoked)
		return "revoked";
	if (options->actions->is_connected(options->ctx, host->id))
		return "connected";
	return options->actions->is_silent(options->ctx, host->id) ? "silent" : "offline";
}

void api_append_time(struct buf *out, const char *name, int64_t wall_ns)
{
	char text[CLOCK_TEXT_MAX];

	if (wall_ns == 0)
		buf_printf(out, ",\"%s\":null", name);
	else
		buf_printf(out, ",\"%s\":\"%s\"", name, clock_format(wall_ns, text));
}

void api_append_text(struct buf *out, const char *name, struct slice text)
{
	buf_printf(out, ",\"%s\":", name);
	if (text.len > 0)
		render_text(out, text);
	else
		buf_append_text(out, "null");
}

/* --- life ---------------------------------------------------------------------------------- */

int api_open(const struct api_options *options, struct api **out, struct reason *out_why)
{
	struct api *api = mem_new(sizeof(*api));
	struct http_options http = {
	        .address = options->address,
	        .cert_file = options->cert_file,
	        .key_file = options->key_file,
	        .routes = routes,
	        .authorize = authorize,
	        .ctx = api,
	        .connections = options->connections,
	};

	api->options = *options;
	snprintf(api->ca_fingerprint, sizeof(api->ca_fingerprint), "%s", options->ca_fingerprint);
	int rc = http_open(options->loop, &http, &api->http, out_why);
	if (rc < 0) {
		free(api);
		return rc;
	}
	*out = api;
	return 0;
}

void api_close(struct api *api)
{
	if (!api)
		return;
	http_close(api->http);
	changes_abandon(api);
	free(api);
}

unsigned api_port(const struct api *api)
{
	return http_port(api->http);
}

void api_committed(struct api *api)
{
	http_wake(api->http);
}
