#include <inttypes.h>

#include "collector/http/api_private.h"
#include "collector/query/count.h"
#include "collector/query/render.h"

#define MANAGERS_MAX 32

struct coverage {
	const struct api_options *options;
	uint64_t stale;
	/* Whose versions cannot be compared; names borrow from the index. */
	struct slice manager[MANAGERS_MAX];
	size_t managers;
};

/* What a host that is away says is as old as its last batch. */
static bool count_stale(void *ctx, uint32_t host)
{
	struct coverage *coverage = ctx;
	const struct api_options *options = coverage->options;

	coverage->stale += !options->actions->is_connected(options->ctx, host);
	return true;
}

/* Every inventory begins with these two; what a token adds (labels) is none. */
static struct hostset *hosts_with_inventory(const struct index *index)
{
	struct fact_match os = {.kind = FACT_OS};
	struct fact_match arch = {.kind = FACT_HOST, .name = slice_text("architecture")};
	struct hostset *hosts = index_select(index, &os), *others = index_select(index, &arch);

	hostset_or(hosts, others);
	hostset_free(others);
	return hosts;
}

static bool note_manager(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	struct coverage *coverage = ctx;
	struct slice manager = fact->field[PACKAGE_MANAGER];

	(void)hosts;
	for (size_t i = 0; i < coverage->managers; i++)
		if (slice_equal(coverage->manager[i], manager))
			return true;
	if (coverage->managers < MANAGERS_MAX)
		coverage->manager[coverage->managers++] = manager;
	return true;
}

static uint64_t count_and_free(struct hostset *hosts)
{
	uint64_t count = hostset_count(hosts);

	hostset_free(hosts);
	return count;
}

static void append_coverage(struct coverage *coverage, const struct query *query, struct buf *out)
{
	const struct index *index = coverage->options->index;
	struct hostset *all = hostset_all(index), *known = hosts_with_inventory(index);
	uint64_t matches = count_and_free(query_hosts(query, index));
	uint64_t unsure = count_and_free(query_unsure_hosts(query, index, note_manager, coverage));

	hostset_each(all, 0, count_stale, coverage);
	hostset_not(known, index);
	buf_printf(out,
	        "{\"hosts\":%" PRIu64 ",\"matches\":%" PRIu64 ",\"stale\":%" PRIu64
	        ",\"unknown\":%" PRIu64 ",\"unordered\":%" PRIu64 ",\"unordered_managers\":[",
	        count_and_free(all), matches, coverage->stale, count_and_free(known), unsure);
	for (size_t i = 0; i < coverage->managers; i++) {
		if (i > 0)
			buf_append_byte(out, ',');
		render_text(out, coverage->manager[i]);
	}
	buf_append_text(out, "]}\n");
}

void api_coverage(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct api *api = ctx;
	struct coverage coverage = {.options = &api->options};
	struct query *query;
	struct reason why;

	if (query_parse(http_param(request, "q"), QUERY_HOSTS, &query, &why) < 0) {
		http_fail(response, 400, "%s", why.text);
		return;
	}
	append_coverage(&coverage, query, &response->body);
	query_free(query);
}
