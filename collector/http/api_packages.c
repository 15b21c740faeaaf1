#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/http/api_private.h"
#include "collector/query/render.h"
#include "collector/store/picture.h"
#include "common/base/mem.h"
#include "common/model/version.h"

struct row {
	struct fact fact; /* borrowed from the index */
	uint64_t hosts;
};

struct rows {
	struct row *item;
	size_t count, room;
};

static bool add_row(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	struct rows *rows = ctx;
	uint64_t count = hostset_count(hosts);

	if (count == 0)
		return true;
	if (rows->count == rows->room) {
		rows->room = rows->room ? 2 * rows->room : 16;
		rows->item = mem_resize(rows->item, rows->room * sizeof(*rows->item));
	}
	rows->item[rows->count++] = (struct row){*fact, count};
	return true;
}

/* Managers apart; within one in the order of its versions. */
static int compare_rows(const void *left, const void *right)
{
	const struct fact *a = &((const struct row *)left)->fact;
	const struct fact *b = &((const struct row *)right)->fact;
	enum version_scheme scheme;
	int order = slice_compare(a->field[PACKAGE_MANAGER], b->field[PACKAGE_MANAGER]);

	if (order == 0 && version_scheme_parse(a->field[PACKAGE_MANAGER], &scheme))
		order = version_compare(
		        scheme, a->field[PACKAGE_VERSION], b->field[PACKAGE_VERSION]);
	if (order == 0)
		order = slice_compare(a->field[PACKAGE_VERSION], b->field[PACKAGE_VERSION]);
	return order ? order : slice_compare(a->field[PACKAGE_ARCH], b->field[PACKAGE_ARCH]);
}

static void append_row(struct buf *out, const struct fact *fact, uint64_t hosts)
{
	char extra[48];

	snprintf(extra, sizeof(extra), ",\"hosts\":%" PRIu64, hosts);
	render_fact(out, fact, extra);
}

/* --- of the fleet -------------------------------------------------------------------------- */

static void list_fleet(struct api *api, struct slice name, struct buf *out)
{
	struct fact_match match = {.kind = FACT_PACKAGE, .name = name};
	struct rows rows = {0};

	index_each_fact(api->options.index, &match, add_row, &rows);
	if (rows.count > 0)
		qsort(rows.item, rows.count, sizeof(rows.item[0]), compare_rows);
	for (size_t i = 0; i < rows.count; i++)
		append_row(out, &rows.item[i].fact, rows.item[i].hosts);
	free(rows.item);
}

/* --- of one host --------------------------------------------------------------------------- */

struct of_host {
	struct api *api;
	struct slice name; /* absent: all */
	struct buf *out;
	const struct fact *fact;
	uint64_t hosts;
};

static bool take_count(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	struct of_host *of_host = ctx;

	if (!fact_equal(fact, of_host->fact))
		return true;
	of_host->hosts = hostset_count(hosts);
	return false;
}

static int add_host_row(void *ctx, const struct fact *fact)
{
	struct of_host *of_host = ctx;
	struct fact_match match = {.kind = FACT_PACKAGE, .name = fact->field[PACKAGE_NAME]};

	if (of_host->name.ptr && !slice_equal(of_host->name, fact->field[PACKAGE_NAME]))
		return 0;
	of_host->fact = fact;
	of_host->hosts = 0;
	index_each_fact(of_host->api->options.index, &match, take_count, of_host);
	append_row(of_host->out, fact, of_host->hosts);
	return 0;
}

static void list_host(
        struct api *api, struct slice host_name, struct slice name, struct http_response *response)
{
	struct of_host of_host = {.api = api, .name = name, .out = &response->body};
	struct host_record host;
	struct kv_txn *txn;

	if (!api_begin_read(api, response, &txn))
		return;
	if (api_find_host(txn, host_name, response, &host))
		picture_facts(txn, host.id, FACT_PACKAGE, add_host_row, &of_host);
	kv_abort(txn);
}

void api_packages(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct slice name = http_param(request, "name"), host = http_param(request, "host");

	if (name.ptr && name.len == 0)
		name = slice_of(NULL, 0);
	if (!name.ptr && !host.ptr) {
		http_fail(response, 400, "which packages: give name, host or both");
		return;
	}
	response->content_type = "application/x-ndjson";
	if (host.ptr)
		list_host(ctx, host, name, response);
	else
		list_fleet(ctx, name, &response->body);
}
