#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/http/api_private.h"
#include "collector/query/render.h"
#include "collector/store/picture.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/version.h"

#define ROWS_A_STEP 256
/* The end of the year 9999. */
#define INSTALL_TIME_MAX 253402300799u

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
	if (order == 0)
		order = slice_compare(a->field[PACKAGE_ARCH], b->field[PACKAGE_ARCH]);
	return order ? order
	             : slice_compare(a->field[PACKAGE_INSTANCE], b->field[PACKAGE_INSTANCE]);
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
	uint32_t host;
	struct buf name; /* empty: all */
	struct buf cursor;

	/* of the step */
	struct kv_txn *txn;
	struct buf *out;
};

/* When it was installed is a fact of its own with the same key fields: it differs on every host. */
static void append_installed(
        struct kv_txn *txn, uint32_t host, const struct fact *fact, struct buf *out)
{
	struct fact like = {.kind = FACT_INSTALL}, install;
	uint64_t seconds;

	for (unsigned i = INSTALL_MANAGER; i <= INSTALL_INSTANCE; i++)
		like.field[i] = fact->field[i];
	if (picture_fact(txn, host, &like, &install) == 0 &&
	        text_parse_u64(install.field[INSTALL_TIME], INSTALL_TIME_MAX, &seconds))
		api_append_time(out, "installed_at", (int64_t)seconds * NS_PER_S);
}

static int add_host_row(void *ctx, const struct fact *fact)
{
	struct of_host *of_host = ctx;
	struct buf extra = BUF_INIT;

	if (of_host->name.len > 0 &&
	        !slice_equal(buf_slice(&of_host->name), fact->field[PACKAGE_NAME]))
		return 0;
	buf_printf(&extra, ",\"hosts\":%" PRIu64, index_holders(of_host->api->options.index, fact));
	append_installed(of_host->txn, of_host->host, fact, &extra);
	render_fact(of_host->out, fact, buf_text(&extra));
	buf_fini(&extra);
	return 0;
}

static enum http_more list_of_host(void *ctx, struct buf *out)
{
	struct of_host *of_host = ctx;
	int rc = kv_begin_read(store_kv(of_host->api->options.store), &of_host->txn);

	if (rc == 0) {
		of_host->out = out;
		rc = picture_facts_from(of_host->txn, of_host->host, FACT_PACKAGE, &of_host->cursor,
		        ROWS_A_STEP, add_host_row, of_host);
		kv_abort(of_host->txn);
	}
	if (rc < 0)
		log_error("cannot list packages: %s", err_text(rc));
	return rc > 0 ? HTTP_MORE : HTTP_END;
}

static void free_of_host(void *ctx)
{
	struct of_host *of_host = ctx;

	buf_fini(&of_host->name);
	buf_fini(&of_host->cursor);
	free(of_host);
}

static void list_host(
        struct api *api, struct slice host_name, struct slice name, struct http_response *response)
{
	struct host_record host;
	struct kv_txn *txn;

	if (!api_begin_read(api, response, &txn))
		return;
	if (api_find_host(txn, host_name, response, &host)) {
		struct of_host *of_host = mem_new(sizeof(*of_host));
		of_host->api = api;
		of_host->host = host.id;
		buf_append_slice(&of_host->name, name);
		api_set_listing(response, list_of_host, free_of_host, of_host);
	}
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
	if (host.ptr) {
		list_host(ctx, host, name, response);
		return;
	}
	response->content_type = "application/x-ndjson";
	list_fleet(ctx, name, &response->body);
}
