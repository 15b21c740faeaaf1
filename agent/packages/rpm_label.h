/*
 * rpm_label - whether a run of rpm explains a change of one path: the first that fits of
 *
 *	removed     it is gone, the database listed it for a package of the run, and no package
 *	            lists it now
 *	verified    the database lists it, and it is as listed: type, permissions with setuid and
 *	            setgid, user, group, digest or target, capabilities
 *	conffile    the same of a configuration file; one that is set beside it as it is shipped
 *	            (.rpmnew); the one that was set aside for it (.rpmsave, .rpmorig)
 *	generated   listed, but left to somebody to make (%ghost), if it gains no power by it; what
 *	            generated.h says; and what rpm itself makes and removes on its way (NAME;HEX)
 *
 * Where several packages list one path, it may be as any of them has it.
 *
 * Trust: a header whose digest over what the package brought does not fit vouches for nothing
 * (rpm_survey.h). That digest is not compared with a signature, and root can make one that fits:
 * "verified" says that disk and database agree and that a run brought it about, not more.
 *
 * Thread   any; the manifest is sealed.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_RPM_LABEL_H
#define TSUJIBAN_AGENT_PACKAGES_RPM_LABEL_H

#include "agent/packages/label.h"

/* As manager.h says of `wants_md5` and `label`. */
bool rpm_wants_md5(const struct manifest *manifest, struct slice path);
bool rpm_label(const struct manifest *manifest, const struct change *change, struct explained *out);

#endif
