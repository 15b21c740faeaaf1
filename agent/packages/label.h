/*
 * label - what is asked about one changed path, and what holds for every package manager's answer.
 *
 * Thread   any; the manifest is sealed.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_LABEL_H
#define TSUJIBAN_AGENT_PACKAGES_LABEL_H

#include "agent/packages/manifest.h"
#include "common/model/explained.h"
#include "common/model/filestate.h"

/* `path` from the root that the database describes. */
struct change {
	struct slice path;
	const struct filestate *before; /* NULL: nothing */
	const struct filestate *after;
	const uint8_t *md5; /* of the content of `after`; NULL: unknown */
};

/* Sets all of `out` but manager and transaction. `package` NULL: no single one answers for it. */
bool label_say(
        const struct run_package *package, enum explained_state state, struct explained *out);
/* Write permission for others, setuid or setgid bits that the file had not before. */
uint32_t label_gained_modes(const struct change *change);
/* It belonged to root and does no more, or has other capabilities. */
bool label_is_handed_over(const struct change *change);

#endif
