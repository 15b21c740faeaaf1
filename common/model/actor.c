#include "common/model/actor.h"

static const char *const REASONS[] = {
        [ACTOR_KNOWN] = NULL,
        [ACTOR_SOURCE] = "inotify names no process",
        [ACTOR_ENDED] = "the process had ended before it could be asked",
        [ACTOR_UNSEEN] = "found by comparison: nobody saw it happen",
        [ACTOR_MANY] = "several processes had a hand in it, this is the last",
};
_Static_assert(sizeof(REASONS) / sizeof(REASONS[0]) == ACTOR_GAP_MAX + 1, "a row for each gap");

const char *actor_gap_reason(enum actor_gap gap)
{
	return (unsigned)gap <= ACTOR_GAP_MAX ? REASONS[gap] : NULL;
}
