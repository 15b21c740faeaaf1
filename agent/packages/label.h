/*
 * label - whether a run explains a change of one path: the first that fits of
 *
 *	verified    the database lists it: a regular file whose content has the database's MD5, a
 *	            directory, or a symbolic link to something that a package owns (dpkg keeps no
 *	            target)
 *	conffile    a configuration file as it was shipped; the one that was set aside for it
 *	            (.dpkg-old), or set beside it (.dpkg-dist)
 *	removed     it is gone, the database listed it for a package of the run, and no package
 *	            lists it now
 *	generated   by a maintainer script or a trigger of a package of the run: generated.h; and
 *	            what dpkg itself makes and removes on its way
 *
 * None of them explains that a file gained setuid, setgid or write permission for others, another
 * owner or capabilities, unless dpkg-statoverride asks for it: a database without modes cannot
 * vouch for that.
 *
 * Trust: dpkg's database is not signed and root can write it. "Verified" says that disk and
 * database agree and that a logged run brought it about, not more.
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

bool label_wants_md5(const struct manifest *manifest, struct slice path);
/* False: not explained. Sets all of `out` but manager and transaction. */
bool label_change(
        const struct manifest *manifest, const struct change *change, struct explained *out);

#endif
