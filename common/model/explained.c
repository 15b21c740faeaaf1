#include "common/model/explained.h"

static const char *const NAMES[] = {
        [EXPLAINED_NONE] = "none",
        [EXPLAINED_VERIFIED] = "verified",
        [EXPLAINED_CONFFILE] = "conffile",
        [EXPLAINED_GENERATED] = "generated",
        [EXPLAINED_REMOVED] = "removed",
};
_Static_assert(sizeof(NAMES) / sizeof(NAMES[0]) == EXPLAINED_MAX + 1, "a name for each state");

const char *explained_state_name(enum explained_state state)
{
	return (unsigned)state <= EXPLAINED_MAX ? NAMES[state] : "unknown";
}
