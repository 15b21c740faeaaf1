/*
 * dpkg_label - whether a run of dpkg explains a change of one path: the first that fits of
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
#ifndef TSUJIBAN_AGENT_PACKAGES_DPKG_LABEL_H
#define TSUJIBAN_AGENT_PACKAGES_DPKG_LABEL_H

#include "agent/packages/label.h"

/* As manager.h says of `wants_md5` and `label`. */
bool dpkg_wants_md5(const struct manifest *manifest, struct slice path);
bool dpkg_label(
        const struct manifest *manifest, const struct change *change, struct explained *out);

#endif
