#include <inttypes.h>
#include <stdlib.h>

#include "collector/http/api_private.h"
#include "collector/query/render.h"
#include "collector/store/picture.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/version.h"

#define HASH_FUNCTION(key, len, hash) ((hash) = index_hash((key), (len)))
#include <uthash.h>

#define ROWS_A_STEP 256
/* The end of the year 9999. */
#define INSTALL_TIME_MAX 253402300799u

/* Packages that differ in nothing but where they lie and in their owner: one version of an
 * application's package may lie at another path on every host. */
struct row {
	UT_hash_handle hh;
	struct fact fact; /* borrowed from the index */
	struct hostset *set;
	uint64_t instances;
	size_t len;
	uint8_t key[];
};

static struct row *need_row(struct row **rows, const struct fact *fact)
{
	struct fact common = *fact;
	struct buf key = BUF_INIT;
	struct row *row;

	common.field[PACKAGE_INSTANCE] = common.field[PACKAGE_OWNER] = slice_of(NULL, 0);
	fact_encode(&common, &key);
	HASH_FIND(hh, *rows, key.data, key.len, row);
	if (!row) {
		row = mem_new(sizeof(*row) + key.len);
		row->fact = *fact;
		row->set = hostset_new();
		row->len = key.len;
		memcpy(row->key, key.data, key.len);
		HASH_ADD_KEYPTR(hh, *rows, row->key, row->len, row);
	}
	buf_fini(&key);
	return row;
}

static bool add_fact(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	struct row *row = need_row(ctx, fact);

	hostset_or(row->set, hosts);
	if (row->instances++ == 0)
		return true;
	row->fact.field[PACKAGE_INSTANCE] = slice_of(NULL, 0);
	if (!slice_equal(row->fact.field[PACKAGE_OWNER], fact->field[PACKAGE_OWNER]))
		row->fact.field[PACKAGE_OWNER] = slice_of(NULL, 0);
	return true;
}

/* Managers apart; within one in the order of its versions. */
static int compare_rows(const struct row *left, const struct row *right)
{
	const struct fact *a = &left->fact, *b = &right->fact;
	enum version_scheme scheme;
	int order = slice_compare(a->field[PACKAGE_MANAGER], b->field[PACKAGE_MANAGER]);

	if (order == 0 && version_scheme_parse(a->field[PACKAGE_MANAGER], &scheme))
		order = version_compare(
		        scheme, a->field[PACKAGE_VERSION], b->field[PACKAGE_VERSION]);
	if (order == 0)
		order = slice_compare(a->field[PACKAGE_VERSION], b->field[PACKAGE_VERSION]);
	return order ? order : slice_compare(a->field[PACKAGE_ARCH], b->field[PACKAGE_ARCH]);
}

/* --- of the fleet -------------------------------------------------------------------------- */

static void append_row(struct buf *out, const struct row *row)
{
	struct buf extra = BUF_INIT;

	buf_printf(&extra, ",\"hosts\":%" PRIu64, hostset_count(row->set));
	if (row->instances > 1)
		buf_printf(&extra, ",\"instances\":%" PRIu64, row->instances);
	render_fact(out, &row->fact, buf_text(&extra));
	buf_fini(&extra);
}

static void free_rows(struct row *rows)
{
	struct row *row = rows, *next;

	HASH_CLEAR(hh, rows);
	for (; row; row = next) {
		next = row->hh.next;
		hostset_free(row->set);
		free(row);
	}
}

static void list_fleet(struct api *api, struct slice name, struct buf *out)
{
	struct fact_match match = {.kind = FACT_PACKAGE, .name = name};
	struct row *rows = NULL;

	index_each_fact(api->options.index, &match, add_fact, &rows);
	HASH_SORT(rows, compare_rows);
	for (const struct row *row = rows; row; row = row->hh.next)
		append_row(out, row);
	free_rows(rows);
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
