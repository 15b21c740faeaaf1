/*
 * link_target - where a symbolic link leads, by its text alone: no further link on the way is
 * followed.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_LINK_TARGET_H
#define TSUJIBAN_AGENT_PACKAGES_LINK_TARGET_H

#include "common/base/buf.h"

/* Writes the absolute path, without "." and "..", over `out`; empty for the root. */
void link_target(struct slice link, struct slice target, struct buf *out);

#endif
