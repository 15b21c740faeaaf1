/*
 * inotify_moves - first halves of renames (IN_MOVED_FROM) that wait for the second.
 *
 * The kernel queues both halves in one system call, but not in one step: the second may still be
 * on its way when the queue is seen empty. A half that is not paired within MOVES_WAIT_MS of that
 * moment never will be: the path went to where nobody watches.
 *
 * Owner    copies paths; what is taken out is the caller's until moves_drop.
 * Thread   one.
 */
#ifndef TSUJIBAN_AGENT_WATCH_INOTIFY_MOVES_H
#define TSUJIBAN_AGENT_WATCH_INOTIFY_MOVES_H

#include "common/base/slice.h"

#define MOVES_WAIT_MS 10
#define MOVES_MAX     256

struct move_half {
	uint8_t *path;
	size_t path_len;
	uint64_t at;      /* where in the stream of records it stood */
	uint64_t idle_ms; /* when the queue was first seen empty after it; 0: not yet */
	uint32_t cookie;
	bool is_directory;
};

struct watch_moves {
	struct move_half half[MOVES_MAX]; /* oldest first */
	size_t count;
};

bool moves_are_full(const struct watch_moves *moves);
/* There has to be room. */
void moves_hold(struct watch_moves *moves, struct slice path, uint64_t at, uint32_t cookie,
        bool is_directory);
/* The half with this cookie, taken out; false when there is none. */
bool moves_take(struct watch_moves *moves, uint32_t cookie, struct move_half *out);
/* The oldest half, if it has waited long enough at `now_ms` (UINT64_MAX: in any case). */
bool moves_take_lapsed(struct watch_moves *moves, uint64_t now_ms, struct move_half *out);
/* The queue was seen empty. */
void moves_saw_empty(struct watch_moves *moves, uint64_t now_ms);
void moves_drop(struct move_half *half);

#endif
