/*
 * unwatched - directories that could not be watched, compared from time to time instead.
 *
 * A round asks for the comparison of each of them, which also tries to watch it again. Rounds begin
 * close together, since a limit may have been reached for a moment only, and move apart to
 * ROUND_MOST_MS; a round that took long makes the next one wait longer, so that comparing never
 * takes more than a twentieth of the time. While there is no such directory there is no timer.
 *
 * Life     unwatched_new -> (add | remove | round_over)* -> unwatched_free.
 * Owner    copies paths.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_FIM_UNWATCHED_H
#define TSUJIBAN_AGENT_FIM_UNWATCHED_H

#include "common/base/slice.h"
#include "common/io/loop.h"

struct unwatched;

/* `compare` is called for each directory of a round, and may remove this one. When any of them
 * answers true, unwatched_round_over has to follow; false: nothing has been begun. */
struct unwatched *unwatched_new(
        struct loop *loop, bool (*compare)(void *ctx, struct slice dir), void *ctx);
void unwatched_free(struct unwatched *unwatched);

void unwatched_add(struct unwatched *unwatched, struct slice dir);
/* It is watched now, or is no directory any more. Fine when it is not among them. What went with a
 * directory above it is noticed in the next round. */
void unwatched_remove(struct unwatched *unwatched, struct slice dir);
/* What the round asked for has been compared. Fine when there was no round. */
void unwatched_round_over(struct unwatched *unwatched);

size_t unwatched_count(const struct unwatched *unwatched);

#endif
