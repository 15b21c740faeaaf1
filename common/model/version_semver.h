/*
 * version_semver - semantic versions: of npm, cargo and Go. See version.h.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_SEMVER_H
#define TSUJIBAN_COMMON_MODEL_VERSION_SEMVER_H

#include "common/base/slice.h"

/* As semver.org's section 11 orders them. Whatever follows the numbers of what is none is taken
 * for a pre-release; more numbers than three count as well. "go1.22rc1", a release of Go's own
 * toolchain, is 1.22.0-rc.1. */
int version_semver_compare(struct slice a, struct slice b);
/* Semantic, with or without a "v" in front; as in Go, the later numbers may lack. */
bool version_semver_is_valid(struct slice version);

#endif
