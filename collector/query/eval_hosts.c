#include "collector/query/query.h"

#include <assert.h>

#include "collector/query/field.h"
#include "collector/store/picture.h"

/* --- hosts by name ------------------------------------------------------------------------- */

struct name_search {
	const struct index *index;
	const struct pattern *pattern;
	struct hostset *found;
};

static bool take_if_named(void *ctx, uint32_t host)
{
	struct name_search *search = ctx;
	if (pattern_matches(search->pattern, index_host_name(search->index, host)))
		hostset_add(search->found, host);
	return true;
}

static struct hostset *hosts_named(const struct pattern *pattern, const struct index *index)
{
	struct name_search search = {.index = index, .pattern = pattern, .found = hostset_new()};
	uint32_t host;
	if (pattern->literal.ptr) {
		if (index_find_host(index, pattern->literal, &host))
			hostset_add(search.found, host);
		return search.found;
	}
	struct hostset *all = hostset_all(index);
	hostset_each(all, 0, take_if_named, &search);
	hostset_free(all);
	return search.found;
}

/* --- the algebra --------------------------------------------------------------------------- */

static struct hostset *eval_term(const struct term *term, const struct index *index)
{
	if (term->field == FIELD_HOST)
		return hosts_named(&term->value, index);
	assert(term_is_about_facts(term));
	struct fact_match match = term_fact_match(term);
	struct hostset *set = index_select(index, &match);
	if (term->field == FIELD_WORD) {
		struct hostset *named = hosts_named(&term->value, index);
		hostset_or(set, named);
		hostset_free(named);
	}
	return set;
}

static struct hostset *eval(const struct node *node, const struct index *index)
{
	if (node->kind == NODE_TERM)
		return eval_term(node->term, index);
	struct hostset *set = eval(node->first, index);
	if (node->kind == NODE_NOT) {
		hostset_not(set, index);
		return set;
	}
	for (const struct node *child = node->first->next; child; child = child->next) {
		if (node->kind == NODE_AND && hostset_count(set) == 0)
			break;
		struct hostset *other = eval(child, index);
		if (node->kind == NODE_AND)
			hostset_and(set, other);
		else
			hostset_or(set, other);
		hostset_free(other);
	}
	return set;
}

struct hostset *query_hosts(const struct query *query, const struct index *index)
{
	assert(query->about == QUERY_HOSTS);
	return query->root ? eval(query->root, index) : hostset_all(index);
}

/* --- reasons ------------------------------------------------------------------------------- */

struct reason_search {
	const struct index *index;
	uint32_t host;
	const struct term *terms[QUERY_TERMS_MAX];
	unsigned count; /* of terms that were looked at, and the one that is */
	bool is_stopped;
	bool (*each)(void *ctx, const struct fact *fact);
	void *ctx;
};

static bool accepts(const struct term *term, const struct fact *fact)
{
	return fact->kind == term->row->kind && fact_is_there(fact) &&
	       term_judges(term, fact) == VERDICT_YES;
}

static void give_reason(struct reason_search *search, const struct fact *fact)
{
	for (unsigned i = 0; i + 1 < search->count; i++)
		if (accepts(search->terms[i], fact))
			return; /* given already */
	search->is_stopped = !search->each(search->ctx, fact);
}

static bool give_indexed(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	struct reason_search *search = ctx;
	if (hostset_has(hosts, search->host))
		give_reason(search, fact);
	return !search->is_stopped;
}

/* Not an error: enough was given. */
#define ENOUGH ERR_EXISTS

static int give_stored(void *ctx, const struct fact *fact)
{
	struct reason_search *search = ctx;
	if (accepts(search->terms[search->count - 1], fact))
		give_reason(search, fact);
	return search->is_stopped ? ENOUGH : 0;
}

static bool is_reason(const struct term *term)
{
	return term_is_about_facts(term) && !term->row->is_no_reason;
}

/* By name the index has few facts to show. Without one it has those of the whole fleet, and the
 * store those of the host. */
static void search_term(const struct term *term, struct kv_txn *txn, struct reason_search *search)
{
	struct fact_match match = term_fact_match(term);
	search->terms[search->count++] = term;
	if (match.name.ptr || !txn)
		index_each_fact(search->index, &match, give_indexed, search);
	else
		picture_facts(txn, search->host, match.kind, give_stored, search);
}

static void search_reasons(
        const struct node *node, struct kv_txn *txn, struct reason_search *search)
{
	if (node->kind == NODE_NOT)
		return;
	for (const struct node *child = node->first; child && !search->is_stopped;
	        child = child->next)
		search_reasons(child, txn, search);
	if (node->kind == NODE_TERM && !search->is_stopped && is_reason(node->term))
		search_term(node->term, txn, search);
}

void query_each_reason(const struct query *query, const struct index *index, struct kv_txn *txn,
        uint32_t host, bool (*each)(void *ctx, const struct fact *fact), void *ctx)
{
	struct reason_search search = {.index = index, .host = host, .each = each, .ctx = ctx};
	if (query->root)
		search_reasons(query->root, txn, &search);
}
