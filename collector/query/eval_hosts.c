#include "collector/query/query.h"

#include <assert.h>

#include "collector/query/node.h"

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
	struct fact_match match = term_fact_match(term);
	if (match.kind != fact->kind)
		return false;
	if (match.matches_name && !match.matches_name(match.ctx, fact->field[PACKAGE_NAME]))
		return false;
	return match.matches(match.ctx, fact);
}

static bool give_reason(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	struct reason_search *search = ctx;
	if (!hostset_has(hosts, search->host))
		return true;
	for (unsigned i = 0; i + 1 < search->count; i++)
		if (accepts(search->terms[i], fact))
			return true; /* given already */
	search->is_stopped = !search->each(search->ctx, fact);
	return !search->is_stopped;
}

static void search_reasons(const struct node *node, struct reason_search *search)
{
	if (node->kind == NODE_NOT)
		return;
	for (const struct node *child = node->first; child && !search->is_stopped;
	        child = child->next)
		search_reasons(child, search);
	if (node->kind != NODE_TERM || search->is_stopped)
		return;
	enum query_field field = node->term->field;
	if (field != FIELD_PACKAGE && field != FIELD_WORD && field != FIELD_KERNEL)
		return;
	search->terms[search->count++] = node->term;
	struct fact_match match = term_fact_match(node->term);
	index_each_fact(search->index, &match, give_reason, search);
}

void query_each_reason(const struct query *query, const struct index *index, uint32_t host,
        bool (*each)(void *ctx, const struct fact *fact), void *ctx)
{
	struct reason_search search = {.index = index, .host = host, .each = each, .ctx = ctx};
	if (query->root)
		search_reasons(query->root, &search);
}
