/*
 * version_gem - versions of Ruby gems. See version.h.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_GEM_H
#define TSUJIBAN_COMMON_MODEL_VERSION_GEM_H

#include "common/base/slice.h"

/* As Gem::Version orders them. Bytes that it knows not are separators. */
int version_gem_compare(struct slice a, struct slice b);
/* As Gem::Version.correct?, for which nothing is a version too: 0. */
bool version_gem_is_valid(struct slice version);

#endif
