#include "collector/http/tally.h"

#include <inttypes.h>
#include <stdlib.h>

#include "collector/query/count.h"
#include "collector/query/render.h"
#include "common/base/mem.h"

#define HASH_FUNCTION(key, len, hash) ((hash) = index_hash((key), (len)))
#include <uthash.h>

#define HOSTS_A_STEP 1024

struct value {
	UT_hash_handle hh;
	struct hostset *set; /* NULL: one host */
	uint64_t hosts;
	size_t len;
	char text[];
};

struct tally {
	struct buf field;
	const struct query *query;
	const struct hostset *hosts;
	const struct index *index;
	uint64_t limit;

	bool is_by_host;
	struct query_value by; /* otherwise; borrows from `field` */
	struct value *values;
	uint32_t next; /* host to go on with */
	unsigned left;
	uint64_t nameless; /* hosts without a value */
};

/* --- values -------------------------------------------------------------------------------- */

static struct value *value_of(struct tally *tally, struct slice text)
{
	struct value *value;

	HASH_FIND(hh, tally->values, text.ptr, text.len, value);
	if (!value) {
		value = mem_new(sizeof(*value) + text.len + 1);
		memcpy(value->text, text.ptr, text.len);
		value->len = text.len;
		HASH_ADD_KEYPTR(hh, tally->values, value->text, value->len, value);
	}
	return value;
}

static int compare_values(const struct value *a, const struct value *b)
{
	if (a->hosts != b->hosts)
		return a->hosts > b->hosts ? -1 : 1;
	return slice_compare(slice_of(a->text, a->len), slice_of(b->text, b->len));
}

static void append_line(struct tally *tally, struct buf *out, struct slice text, uint64_t hosts)
{
	buf_append_byte(out, '{');
	render_text(out, buf_slice(&tally->field));
	buf_append_byte(out, ':');
	if (text.ptr)
		render_text(out, text);
	else
		buf_append_text(out, "null");
	buf_printf(out, ",\"hosts\":%" PRIu64 "}\n", hosts);
}

static void append_lines(struct tally *tally, struct buf *out)
{
	uint64_t lines = 0;
	struct value *value;

	HASH_SORT(tally->values, compare_values);
	for (value = tally->values; value; value = value->hh.next) {
		if (value->hosts == 0)
			break;
		if (tally->limit && lines++ == tally->limit)
			return;
		append_line(tally, out, slice_of(value->text, value->len), value->hosts);
	}
	if (tally->nameless > 0 && (!tally->limit || lines < tally->limit))
		append_line(tally, out, slice_of(NULL, 0), tally->nameless);
}

/* --- by bitmaps ---------------------------------------------------------------------------- */

/* Several facts of a host may have one value (a port of two protocols): so hosts are united. */
static bool add_fact(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	struct tally *tally = ctx;
	struct buf text = BUF_INIT;

	query_value_append(&tally->by, fact, &text);
	if (text.len > 0) {
		struct value *value = value_of(tally, buf_slice(&text));
		if (!value->set)
			value->set = hostset_new();
		hostset_or(value->set, hosts);
	}
	buf_fini(&text);
	return true;
}

static void count_bitmaps(struct tally *tally)
{
	struct hostset *known = hostset_new();
	struct value *value;

	query_each_counted(tally->query, tally->index, &tally->by, add_fact, tally);
	for (value = tally->values; value; value = value->hh.next) {
		hostset_and(value->set, tally->hosts);
		value->hosts = hostset_count(value->set);
		hostset_or(known, value->set);
	}
	tally->nameless = hostset_count(tally->hosts) - hostset_count(known);
	hostset_free(known);
}

/* --- host by host -------------------------------------------------------------------------- */

static bool visit_host(void *ctx, uint32_t host)
{
	struct tally *tally = ctx;

	tally->next = host + 1;
	value_of(tally, index_host_name(tally->index, host))->hosts++;
	return --tally->left > 0;
}

enum http_more tally_step(struct tally *tally, struct buf *out)
{
	if (tally->is_by_host) {
		tally->left = HOSTS_A_STEP;
		hostset_each(tally->hosts, tally->next, visit_host, tally);
		if (tally->left == 0)
			return HTTP_MORE;
	} else {
		count_bitmaps(tally);
	}
	append_lines(tally, out);
	return HTTP_END;
}

/* --- life ---------------------------------------------------------------------------------- */

static int choose(struct tally *tally, struct reason *out_why)
{
	struct slice field = buf_slice(&tally->field);

	tally->is_by_host = slice_is(field, "host");
	if (tally->is_by_host)
		return 0;
	if (!query_value_find(field, &tally->by))
		return fail(out_why, ERR_FORMAT,
		        "cannot count by that: there are os, kernel, arch, host, label.NAME, "
		        "fact.NAME, package, version, manager, module, livepatch, mitigation, "
		        "restart, listen, address, account, group, unit and cron");
	/* Versions of everything beside each other say nothing. */
	if (slice_is(field, "version") && !query_asks_kind(tally->query, FACT_PACKAGE))
		return fail(out_why, ERR_FORMAT,
		        "cannot count by version without a package in the query");
	return 0;
}

struct tally *tally_new(struct slice field, const struct query *query, const struct hostset *hosts,
        const struct index *index, uint64_t limit, struct reason *out_why)
{
	struct tally *tally = mem_new(sizeof(*tally));

	buf_append_slice(&tally->field, field);
	tally->query = query;
	tally->hosts = hosts;
	tally->index = index;
	tally->limit = limit;
	if (choose(tally, out_why) == 0)
		return tally;
	tally_free(tally);
	return NULL;
}

void tally_free(struct tally *tally)
{
	struct value *value, *next;

	if (!tally)
		return;
	value = tally->values;
	HASH_CLEAR(hh, tally->values);
	for (; value; value = next) {
		next = value->hh.next;
		hostset_free(value->set);
		free(value);
	}
	buf_fini(&tally->field);
	free(tally);
}
