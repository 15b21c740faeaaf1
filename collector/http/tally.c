#include "collector/http/tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <uthash.h>

#include "collector/query/render.h"
#include "common/base/mem.h"

#define HOSTS_A_STEP 1024
#define LABEL_PREFIX "label."

struct value {
	UT_hash_handle hh;
	uint64_t hosts;
	uint32_t last_host; /* counted already */
	size_t len;
	char text[];
};

struct tally {
	struct buf field;
	const struct query *query;
	const struct hostset *hosts;
	const struct index *index;
	uint64_t limit;

	struct value *values;
	bool (*take)(void *ctx, const struct fact *fact); /* NULL: by bitmaps, in one step */
	struct fact_match match;
	void (*name_value)(const struct fact *fact, struct buf *out);
	struct hostset *known; /* hosts with a value; what is left goes under null */
	uint32_t next;         /* host to go on with */
	uint32_t host;         /* that take() looks at */
	unsigned left;
	uint64_t nameless;
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
		value->last_host = UINT32_MAX;
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
		if (tally->limit && lines++ == tally->limit)
			return;
		append_line(tally, out, slice_of(value->text, value->len), value->hosts);
	}
	if (tally->nameless > 0 && (!tally->limit || lines < tally->limit))
		append_line(tally, out, slice_of(NULL, 0), tally->nameless);
}

/* --- by bitmaps ---------------------------------------------------------------------------- */

static void name_os(const struct fact *fact, struct buf *out)
{
	buf_append_slice(out, fact->field[OS_ID]);
	if (fact->field[OS_VERSION_ID].len > 0) {
		buf_append_byte(out, ' ');
		buf_append_slice(out, fact->field[OS_VERSION_ID]);
	}
}

static void name_kernel(const struct fact *fact, struct buf *out)
{
	if (slice_is(fact->field[KERNEL_STATE], "running"))
		buf_append_slice(out, fact->field[KERNEL_RELEASE]);
}

static void name_pair(const struct fact *fact, struct buf *out)
{
	buf_append_slice(out, fact->field[PAIR_VALUE]);
}

static bool add_fact(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	struct tally *tally = ctx;
	struct buf text = BUF_INIT;
	struct hostset *both;
	uint64_t count;

	tally->name_value(fact, &text);
	if (text.len == 0)
		return true;
	both = hostset_new();
	hostset_or(both, hosts);
	hostset_and(both, tally->hosts);
	count = hostset_count(both);
	/* Two facts may have one name (releases of one os): no host holds both. */
	if (count > 0)
		value_of(tally, buf_slice(&text))->hosts += count;
	hostset_or(tally->known, both);
	hostset_free(both);
	buf_fini(&text);
	return true;
}

static void count_bitmaps(struct tally *tally)
{
	index_each_fact(tally->index, &tally->match, add_fact, tally);
	tally->nameless = hostset_count(tally->hosts) - hostset_count(tally->known);
}

/* --- host by host -------------------------------------------------------------------------- */

static void count_host(struct tally *tally, struct slice text)
{
	struct value *value = value_of(tally, text);

	if (value->last_host != tally->host)
		value->hosts++;
	value->last_host = tally->host;
}

static bool take_package(void *ctx, const struct fact *fact)
{
	if (fact->kind == FACT_PACKAGE)
		count_host(ctx, fact->field[PACKAGE_NAME]);
	return true;
}

static bool take_version(void *ctx, const struct fact *fact)
{
	if (fact->kind == FACT_PACKAGE)
		count_host(ctx, fact->field[PACKAGE_VERSION]);
	return true;
}

static bool take_host(void *ctx, const struct fact *fact)
{
	(void)ctx;
	(void)fact;
	return false;
}

static bool visit_host(void *ctx, uint32_t host)
{
	struct tally *tally = ctx;

	tally->host = host;
	tally->next = host + 1;
	if (tally->take == take_host)
		count_host(tally, index_host_name(tally->index, host));
	else
		query_each_reason(tally->query, tally->index, host, tally->take, tally);
	return --tally->left > 0;
}

enum http_more tally_step(struct tally *tally, struct buf *out)
{
	if (!tally->take) {
		count_bitmaps(tally);
	} else {
		tally->left = HOSTS_A_STEP;
		hostset_each(tally->hosts, tally->next, visit_host, tally);
		if (tally->left == 0)
			return HTTP_MORE;
	}
	append_lines(tally, out);
	return HTTP_END;
}

/* --- life ---------------------------------------------------------------------------------- */

static bool choose(struct tally *tally, struct slice field)
{
	struct slice label = slice_text(LABEL_PREFIX);

	if (slice_is(field, "os")) {
		tally->match.kind = FACT_OS;
		tally->name_value = name_os;
	} else if (slice_is(field, "kernel")) {
		tally->match.kind = FACT_KERNEL;
		tally->name_value = name_kernel;
	} else if (slice_is(field, "arch")) {
		tally->match.kind = FACT_HOST;
		tally->match.name = slice_text("architecture");
		tally->name_value = name_pair;
	} else if (slice_starts_with(field, label) && field.len > label.len) {
		size_t prefix = label.len;
		struct slice copy = buf_slice(&tally->field);
		tally->match.kind = FACT_LABEL;
		tally->match.name = slice_of(copy.ptr + prefix, copy.len - prefix);
		tally->name_value = name_pair;
	} else if (slice_is(field, "package")) {
		tally->take = take_package;
	} else if (slice_is(field, "version")) {
		tally->take = take_version;
	} else if (slice_is(field, "host")) {
		tally->take = take_host;
	} else {
		return false;
	}
	return true;
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
	tally->known = hostset_new();
	if (choose(tally, field))
		return tally;
	tally_free(tally);
	fail(out_why, ERR_FORMAT,
	        "cannot count by that: there are os, kernel, arch, host, package, version and "
	        "label.NAME");
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
		free(value);
	}
	hostset_free(tally->known);
	buf_fini(&tally->field);
	free(tally);
}
