#include <stdlib.h>

#include "collector/http/hostview.h"
#include "collector/http/tally.h"
#include "collector/query/query.h"
#include "collector/query/render.h"
#include "common/base/log.h"
#include "common/base/mem.h"

/* A host's line reads its facts from the store. */
#define LINES_A_STEP 128

struct search {
	struct api *api;
	struct query *query;
	struct hostset *hosts;
	struct tally *tally; /* count_by; NULL: hosts */
	uint64_t left;
	uint32_t next;

	/* of the step */
	struct kv_txn *txn;
	struct buf *out;
	unsigned lines_left;
};

static void free_search(void *ctx)
{
	struct search *search = ctx;

	tally_free(search->tally);
	hostset_free(search->hosts);
	query_free(search->query);
	free(search);
}

/* --- a line a host ------------------------------------------------------------------------- */

/* Packages and kernels in short. */
static bool append_match(void *ctx, const struct fact *fact)
{
	struct buf *out = ctx;

	if (out->data[out->len - 1] != '[')
		buf_append_byte(out, ',');
	if (fact->kind == FACT_PACKAGE) {
		buf_append_text(out, "{\"name\":");
		render_text(out, fact->field[PACKAGE_NAME]);
		api_append_text(out, "version", fact->field[PACKAGE_VERSION]);
		api_append_text(out, "arch", fact->field[PACKAGE_ARCH]);
		api_append_text(out, "manager", fact->field[PACKAGE_MANAGER]);
		if (fact->field[PACKAGE_INSTANCE].len > 0)
			api_append_text(out, "instance", fact->field[PACKAGE_INSTANCE]);
	} else if (fact->kind == FACT_KERNEL) {
		buf_append_text(out, "{\"kernel\":");
		render_text(out, fact->field[KERNEL_RELEASE]);
	} else {
		render_any_fact(out, fact);
		out->len -= 2; /* '}' and '\n' */
	}
	buf_append_byte(out, '}');
	return true;
}

static void append_host(struct search *search, const struct host_record *host)
{
	struct api *api = search->api;
	struct buf *out = search->out;

	buf_append_text(out, "{\"host\":");
	render_text(out, host->name);
	hostview_append_system(search->txn, host->id, out);
	api_append_time(out, "last_seen", host->last_seen_ns);
	buf_printf(out, ",\"state\":\"%s\",\"matches\":[", api_host_state(api, host));
	query_each_reason(
	        search->query, api->options.index, search->txn, host->id, append_match, out);
	buf_append_text(out, "]}\n");
}

static bool visit_host(void *ctx, uint32_t id)
{
	struct search *search = ctx;
	struct host_record host;

	search->next = id + 1;
	if (hosts_get(search->txn, id, &host) == 0) {
		append_host(search, &host);
		search->left--;
	}
	return search->left > 0 && --search->lines_left > 0 && search->out->len < API_PIECE_BYTES;
}

static enum http_more list_hosts(void *ctx, struct buf *out)
{
	struct search *search = ctx;
	uint32_t from = search->next;
	int rc = kv_begin_read(store_kv(search->api->options.store), &search->txn);

	if (rc < 0) {
		log_error("cannot list found hosts: %s", err_text(rc));
		return HTTP_END;
	}
	search->out = out;
	search->lines_left = LINES_A_STEP;
	hostset_each(search->hosts, from, visit_host, search);
	kv_abort(search->txn);
	/* A step that found nobody, or had room for more, has seen the last. */
	bool is_full = search->lines_left == 0 || out->len >= API_PIECE_BYTES;
	return search->left > 0 && search->next != from && is_full ? HTTP_MORE : HTTP_END;
}

static enum http_more count_values(void *ctx, struct buf *out)
{
	struct search *search = ctx;

	return tally_step(search->tally, out);
}

void api_search(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct slice q = http_param(request, "q"), count_by = http_param(request, "count_by");
	struct api *api = ctx;
	const struct index *index = api->options.index;
	struct query *query;
	struct reason why;
	uint64_t limit;

	if (!api_take_count(request, "limit", response, &limit))
		return;
	if (query_parse(q, QUERY_HOSTS, &query, &why) < 0) {
		http_fail(response, 400, "%s", why.text);
		return;
	}
	struct search *search = mem_new(sizeof(*search));
	search->api = api;
	search->query = query;
	search->hosts = query_hosts(query, index);
	search->left = limit ? limit : UINT64_MAX;
	if (count_by.len > 0)
		search->tally = tally_new(count_by, query, search->hosts, index, limit, &why);
	if (count_by.len > 0 && !search->tally) {
		http_fail(response, 400, "%s", why.text);
		free_search(search);
		return;
	}
	api_set_listing(response, search->tally ? count_values : list_hosts, free_search, search);
}
