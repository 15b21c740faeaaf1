/*
 * decide - what a path's reading means, given what was known of it: the table in journal.h.
 *
 * An event that no live touch brought about has no actor, whoever else was seen at the path.
 *
 * Pure: looks at nothing but its arguments. Slices and states in what comes out are borrowed from
 * what went in.
 */
#ifndef TSUJIBAN_AGENT_FIM_DECIDE_H
#define TSUJIBAN_AGENT_FIM_DECIDE_H

#include "agent/touch/touch.h"

struct finding {
	struct slice path;
	const struct filestate *before; /* in the baseline; NULL: nothing */
	const struct filestate *after;  /* on disk; NULL: nothing */
	bool is_fresh;                  /* of the reading: see probe.h */
	unsigned hints;
	uint32_t lives;
	enum event_cause cause;
	bool is_baselined; /* the first scan of what watches the path is complete */
	int64_t time_ns;
	/* What the event says besides; see event.h. */
	const struct actor *actor;
	enum actor_gap actor_gap;
	const struct explained *explained;
	struct slice diff;
	enum diff_gap diff_gap;
	uint32_t changes; /* that are told as one, because there are too many; 0 or 1: just this */
};

enum decided {
	BASELINE_STAYS,
	BASELINE_PUT,
	BASELINE_REMOVE,
};

struct decision {
	size_t count;
	struct event event[2]; /* in this order */
	enum decided baseline;
	struct filestate state; /* for BASELINE_PUT */
	bool loses_below;       /* a directory went: all below it is deleted, before the events */
	bool is_new_directory;  /* its entries are not known yet */
};

void decide_path(const struct finding *finding, struct decision *out);

/* Whether the rename of `old` to `new` is a move of what the baseline knows; otherwise the two are
 * paths like any others. */
bool decide_is_move(const struct finding *old, const struct finding *new);
/* The event of a move, and the baseline of the new path (that of the old one is removed). */
void decide_move(const struct finding *old, const struct finding *new, struct decision *out);
/* The event of a path that went away with a directory above it. */
struct event decide_lost(
        const struct finding *directory, struct slice path, const struct filestate *before);
struct event decide_retired(const struct finding *finding);

#endif
