#include "collector/query/query.h"

#include "collector/query/field.h"

/* The fact that the event is about, as the event left it; as it was, if it ended. */
static bool fact_matches(const struct term *term, const struct event *event)
{
	const struct fact *fact = event->fact_after ? event->fact_after : event->fact_before;
	return fact && fact->kind == term->row->kind && term_judges(term, fact) == VERDICT_YES;
}

static bool path_matches(const struct term *term, const struct event *event)
{
	return (event->path.len > 0 && pattern_matches_path(&term->value, event->path)) ||
	       (event->old_path.len > 0 && pattern_matches_path(&term->value, event->old_path));
}

/* The program, by its path or by its name alone. */
static bool actor_matches(const struct term *term, const struct event *event)
{
	struct slice exe = event->actor ? event->actor->exe : (struct slice){0};
	const uint8_t *slash = exe.len ? memrchr(exe.ptr, '/', exe.len) : NULL;
	if (!exe.len)
		return false;
	if (pattern_matches(&term->value, exe))
		return true;
	size_t name_at = slash ? (size_t)(slash - exe.ptr) + 1 : 0;
	return pattern_matches(&term->value, slice_of(exe.ptr + name_at, exe.len - name_at));
}

/* Who it was, or who had logged in before becoming that. */
static bool user_matches(const struct term *term, const struct event *event)
{
	const struct actor *actor = event->actor;
	return actor &&
	       ((actor->user.len && pattern_matches(&term->value, actor->user)) ||
	               (actor->login_user.len && pattern_matches(&term->value, actor->login_user)));
}

static bool explained_matches(const struct term *term, const struct event *event)
{
	enum explained_state state = event->explained ? event->explained->state : EXPLAINED_NONE;
	return event->kind == EVENT_FILE &&
	       pattern_matches(&term->value, slice_text(explained_state_name(state)));
}

static bool host_matches(const struct term *term, const struct index *index, uint32_t host)
{
	struct slice name = index_host_name(index, host);
	return name.ptr && pattern_matches(&term->value, name);
}

struct hold_search {
	uint32_t host;
	bool is_found;
};

static bool stop_if_held(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	struct hold_search *search = ctx;
	(void)fact;
	search->is_found = hostset_has(hosts, search->host);
	return !search->is_found;
}

static bool host_holds(const struct term *term, const struct index *index, uint32_t host)
{
	struct hold_search search = {.host = host};
	struct fact_match match = term_fact_match(term);
	index_each_fact(index, &match, stop_if_held, &search);
	return search.is_found;
}

static bool name_matches(const struct term *term, const char *name)
{
	return name && pattern_matches(&term->value, slice_text(name));
}

static bool term_matches(const struct term *term, const struct index *index, uint32_t host,
        const struct event *event)
{
	switch (term->field) {
	case FIELD_WORD:
		return host_matches(term, index, host) || fact_matches(term, event) ||
		       path_matches(term, event);
	case FIELD_FACT:
		return term->row->is_of_host ? host_holds(term, index, host)
		                             : fact_matches(term, event);
	case FIELD_HOST:
		return host_matches(term, index, host);
	case FIELD_PATH:
		return path_matches(term, event);
	case FIELD_ACTOR:
		return actor_matches(term, event);
	case FIELD_USER:
		return user_matches(term, event);
	case FIELD_EXPLAINED:
		return explained_matches(term, event);
	case FIELD_ACTION:
		return name_matches(term, event_action_name(event->action));
	case FIELD_KIND:
		return name_matches(term, event_kind_name(event));
	case FIELD_CAUSE:
		return name_matches(term, event_cause_name(event->cause));
	case FIELD_SEQ: {
		uint64_t number = term->constraints->number;
		return order_holds(
		        term->constraints->op, (event->seq > number) - (event->seq < number));
	}
	case FIELD_OS:
	case FIELD_KERNEL:
		return host_holds(term, index, host);
	case FIELD_VERSION:
		break;
	}
	return false;
}

static bool node_matches(const struct node *node, const struct index *index, uint32_t host,
        const struct event *event)
{
	if (node->kind == NODE_TERM)
		return term_matches(node->term, index, host, event);
	if (node->kind == NODE_NOT)
		return !node_matches(node->first, index, host, event);
	/* The first child that answers so decides; what the event itself tells is cheaper. */
	bool decides = node->kind == NODE_OR;
	for (int asks_index = 0; asks_index <= 1; asks_index++)
		for (const struct node *child = node->first; child; child = child->next)
			if (child->asks_index == asks_index &&
			        node_matches(child, index, host, event) == decides)
				return decides;
	return !decides;
}

bool query_matches_event(const struct query *query, const struct index *index, uint32_t host,
        const struct event *event)
{
	return !query->root || node_matches(query->root, index, host, event);
}

static uint32_t only_host(const struct node *node, const struct index *index)
{
	uint32_t host = UINT32_MAX;
	if (node->kind == NODE_TERM && node->term->field == FIELD_HOST &&
	        node->term->value.literal.ptr)
		return index_find_host(index, node->term->value.literal, &host) ? host : UINT32_MAX;
	if (node->kind != NODE_AND)
		return UINT32_MAX;
	const struct node *child = node->first;
	for (; child && host == UINT32_MAX; child = child->next)
		host = only_host(child, index);
	return host;
}

uint32_t query_only_host(const struct query *query, const struct index *index)
{
	return query->root ? only_host(query->root, index) : UINT32_MAX;
}
