/*
 * settle - holds touches until their path is worth reading, and merges the touches of one path.
 *
 * A touch with TOUCH_DONE is ready at once; TOUCH_WRITING waits until nothing was said for
 * quiet_ms, at most most_ms after the first. A path is out with at most one reader at a time: while
 * it is (from `ready` to settle_finish) new touches wait, and then the path is ready again. So the
 * readings of one path are committed in the order in which they were made. A rename (old_path)
 * keeps its two paths together: neither is out elsewhere while the move is. Renames that would wait
 * for each other in a circle fall apart into single paths.
 *
 * Who acted: see hands.h. The reference of `by` is settle's from `ready` to settle_finish, so a
 * worker may read the actor; a path that is read again keeps it.
 *
 * A path that changes all the time (busy.h) is put off: its changes gather for up to a minute. Not
 * put off are directories, what a walk found, and once in that time that it was deleted.
 *
 * Memory   above limit paths, a further touch of a path that is not yet held becomes a request to
 *          compare its directory (`overflowed`), so that memory is bounded and nothing is
 *          forgotten.
 *
 * Life     settle_new -> touch*, finish* -> settle_free.
 * Thread   the loop's. Time is passed in: tests choose it.
 */
#ifndef TSUJIBAN_AGENT_FIM_SETTLE_H
#define TSUJIBAN_AGENT_FIM_SETTLE_H

#include "agent/touch/touch.h"

struct settle;

/* 0 stands for the default. */
struct settle_limits {
	uint64_t quiet_ms;        /* default 500 */
	uint64_t most_ms;         /* default 3000 */
	size_t paths;             /* default 65536 */
	uint32_t busy_per_minute; /* readings of one path; more make it busy. 0: never */
};

/* One path to read, with what all its touches said together. Lives in settle from `ready` to
 * settle_finish. */
struct settled {
	struct slice path;
	struct slice old_path; /* of a rename that came last; absent otherwise */
	unsigned hints;        /* all of them together */
	uint32_t lives;        /* how many times TOUCH_CREATED was said */
	uint32_t old_lives;    /* at old_path, but for the one that the rename took away */
	bool old_follows;      /* old_path was touched after the rename: it will be out by itself */
	enum event_cause cause; /* of the first touch; CAUSE_LIVE if one was live and CREATED */
	struct witness *by; /* of the last touch that had one; NULL: unknown, and gap says why */
	enum actor_gap gap;
	uint32_t changes; /* of one that was put off: how many are merged here, as far as touches
	                   * tell; else 0 */
};

struct settle *settle_new(const struct settle_limits *limits,
        void (*overflowed)(void *ctx, struct slice dir, enum event_cause cause), void *ctx);
void settle_free(struct settle *settle);

void settle_touch(struct settle *settle, const struct touch *touch, uint64_t now_ms);

/* Takes up to `most` paths that are ready at `now_ms`, in the order in which they became ready.
 * Returns how many. */
size_t settle_take(struct settle *settle, uint64_t now_ms, const struct settled **out, size_t most);
/* The path has been read and committed, or (again_after_ms > 0) has to be read once more after that
 * time, as after a file that changed under the reader or a store that was full. */
void settle_finish(struct settle *settle, const struct settled *settled, uint64_t again_after_ms,
        uint64_t now_ms);

/* When the next waiting path becomes ready: 0 now, UINT64_MAX never (in ms of the same clock). */
uint64_t settle_next_ms(const struct settle *settle);
/* Held in all: waiting, ready and out. */
size_t settle_count(const struct settle *settle);
/* The same without what is put off. */
size_t settle_count_current(const struct settle *settle);
/* The same with this cause only (to know when a baseline is complete). */
size_t settle_count_cause(const struct settle *settle, enum event_cause cause);
/* From now on settle_count_older counts what is held of touches that came before this call: 0 once
 * all of them have been finished. What was put off is put off no longer. */
void settle_mark(struct settle *settle);
size_t settle_count_older(const struct settle *settle);

#endif
