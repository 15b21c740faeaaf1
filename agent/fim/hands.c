#include "agent/fim/hands.h"

#include <stdint.h>

/* A start is known to the tick of a clock, or to the nanosecond, by how it was learnt. */
#define SAME_START_NS 1000000000LL

static bool is_same_process(const struct witness *a, const struct witness *b)
{
	int64_t left = a->actor.started_ns, right = b->actor.started_ns;
	if (a == b)
		return true;
	if (a->actor.pid != b->actor.pid)
		return false;
	int64_t apart = left > right ? left - right : right - left;
	return left == 0 || right == 0 || apart < SAME_START_NS;
}

/* Nothing is known but the pid: what was learnt of it before says more. */
static bool is_bare(const struct witness *witness)
{
	return witness->gap == ACTOR_ENDED && witness->actor.started_ns == 0;
}

static enum actor_gap weaker(enum actor_gap a, enum actor_gap b)
{
	return a == ACTOR_SOURCE || b == ACTOR_SOURCE ? ACTOR_SOURCE : ACTOR_UNSEEN;
}

/* What both are together; `later` is what came last. Takes nothing over. */
static struct hands joined(const struct hands *earlier, const struct hands *later)
{
	if (!earlier->by && !later->by)
		return (struct hands){.gap = weaker(earlier->gap, later->gap)};
	if (!earlier->by)
		return *later;
	if (!later->by)
		return *earlier;
	bool is_one = is_same_process(earlier->by, later->by);
	bool are_many = !is_one || earlier->gap == ACTOR_MANY || later->gap == ACTOR_MANY;
	struct witness *by = is_one && is_bare(later->by) ? earlier->by : later->by;
	return (struct hands){.by = by, .gap = are_many ? ACTOR_MANY : by->gap};
}

static void replace(struct hands *hands, struct hands with)
{
	struct witness *before = hands->by;
	witness_keep(with.by);
	*hands = with;
	witness_drop(before);
}

void hands_add(struct hands *hands, struct witness *by, enum actor_gap gap)
{
	struct hands later = {.by = by, .gap = by ? by->gap : gap};
	replace(hands, joined(hands, &later));
}

void hands_add_before(struct hands *hands, const struct hands *earlier)
{
	replace(hands, joined(earlier, hands));
}

void hands_fini(struct hands *hands)
{
	witness_drop(hands->by);
	*hands = (struct hands){0};
}

enum actor_gap hands_gap(const struct hands *hands)
{
	return hands->by || hands->gap == ACTOR_SOURCE ? hands->gap : ACTOR_UNSEEN;
}
