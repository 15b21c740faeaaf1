#include "collector/query/count.h"

#include "collector/query/field.h"

/* --- values -------------------------------------------------------------------------------- */

/* "version", "manager", "source": what the fields of a package are called behind one. */
static bool find_of_package(struct slice text, struct query_value *out)
{
	const struct query_field_row *package = query_field_find(
	        QUERY_HOSTS, slice_text("package"));
	unsigned field;
	if (!query_field_constrains(package, text, &field))
		return false;
	*out = (struct query_value){.kind = FACT_PACKAGE, .field = field};
	return true;
}

bool query_value_find(struct slice text, struct query_value *out)
{
	const struct query_field_row *row = query_field_find(QUERY_HOSTS, text);
	if (!row || row->kind == 0)
		return find_of_package(text, out);
	struct slice pair = row->pair ? slice_text(row->pair) : query_field_named(row, text);
	*out = (struct query_value){.kind = row->kind, .name = pair, .row = row};
	return true;
}

static void append_os(const struct fact *fact, struct buf *out)
{
	buf_append_slice(out, fact->field[OS_ID]);
	if (fact->field[OS_VERSION_ID].len > 0) {
		buf_append_byte(out, ' ');
		buf_append_slice(out, fact->field[OS_VERSION_ID]);
	}
}

/* The first of the row's fields that the fact has. */
static void append_by_row(
        const struct query_field_row *row, const struct fact *fact, struct buf *out)
{
	for (unsigned i = 0; i < QUERY_COLUMNS_MAX && row->column[i].part != PART_NONE; i++) {
		struct slice text = fact->field[row->column[i].field];
		if (text.len == 0)
			continue;
		buf_append_slice(out, text);
		return;
	}
}

void query_value_append(const struct query_value *value, const struct fact *fact, struct buf *out)
{
	if (!fact_is_there(fact))
		return;
	if (!value->row)
		buf_append_slice(out, fact->field[value->field]);
	else if (value->kind == FACT_OS)
		append_os(fact, out);
	else if (value->kind != FACT_KERNEL)
		append_by_row(value->row, fact, out);
	else if (slice_is(fact->field[KERNEL_STATE], "running"))
		buf_append_slice(out, fact->field[KERNEL_RELEASE]);
}

/* --- terms --------------------------------------------------------------------------------- */

typedef void term_fn(void *ctx, const struct term *term);

static void each_term(const struct node *node, bool with_negated, term_fn *each, void *ctx)
{
	if (!node || (node->kind == NODE_NOT && !with_negated))
		return;
	if (node->kind == NODE_TERM && term_is_about_facts(node->term))
		each(ctx, node->term);
	for (const struct node *child = node->first; child; child = child->next)
		each_term(child, with_negated, each, ctx);
}

/* What describes the host as a whole is counted for all hosts, whatever of it was asked. */
static bool asks_for(const struct term *term, enum fact_kind kind)
{
	return term->row->kind == kind && !term->row->is_of_host;
}

struct asking {
	enum fact_kind kind;
	bool is_found;
};

static void note_kind(void *ctx, const struct term *term)
{
	struct asking *asking = ctx;
	asking->is_found |= asks_for(term, asking->kind);
}

bool query_asks_kind(const struct query *query, enum fact_kind kind)
{
	struct asking asking = {.kind = kind};
	each_term(query->root, false, note_kind, &asking);
	return asking.is_found;
}

struct counting {
	const struct index *index;
	enum fact_kind kind;
	bool (*each)(void *ctx, const struct fact *fact, const struct hostset *hosts);
	void *ctx;
};

static void count_term(void *ctx, const struct term *term)
{
	struct counting *counting = ctx;
	if (!asks_for(term, counting->kind))
		return;
	struct fact_match match = term_fact_match(term);
	index_each_fact(counting->index, &match, counting->each, counting->ctx);
}

void query_each_counted(const struct query *query, const struct index *index,
        const struct query_value *value,
        bool (*each)(void *ctx, const struct fact *fact, const struct hostset *hosts), void *ctx)
{
	struct counting counting = {.index = index, .kind = value->kind, .each = each, .ctx = ctx};
	struct fact_match all = {.kind = value->kind, .name = value->name};
	if (query_asks_kind(query, value->kind))
		each_term(query->root, false, count_term, &counting);
	else
		index_each_fact(index, &all, each, ctx);
}

/* --- what cannot be judged ----------------------------------------------------------------- */

struct doubt {
	struct counting counting;
	struct hostset *hosts;
};

static void doubt_term(void *ctx, const struct term *term)
{
	struct doubt *doubt = ctx;
	if (!term->constraints || term->row->kind != FACT_PACKAGE)
		return;
	const struct index *index = doubt->counting.index;
	struct fact_match unsure = term_unsure_match(term), sure = term_fact_match(term);
	struct hostset *hosts = index_select(index, &unsure);
	if (hostset_count(hosts) > 0) {
		struct hostset *known = index_select(index, &sure);
		hostset_not(known, index);
		hostset_and(hosts, known);
		hostset_or(doubt->hosts, hosts);
		hostset_free(known);
		index_each_fact(index, &unsure, doubt->counting.each, doubt->counting.ctx);
	}
	hostset_free(hosts);
}

struct hostset *query_unsure_hosts(const struct query *query, const struct index *index,
        bool (*each)(void *ctx, const struct fact *fact, const struct hostset *hosts), void *ctx)
{
	struct doubt doubt = {
	        .counting = {.index = index, .each = each, .ctx = ctx}, .hosts = hostset_new()};
	each_term(query->root, true, doubt_term, &doubt);
	return doubt.hosts;
}
