/*
 * version_composer - versions of PHP packages. See version.h.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_COMPOSER_H
#define TSUJIBAN_COMMON_MODEL_VERSION_COMPOSER_H

#include "common/base/slice.h"

/* As composer/semver orders them, which normalises them first. Branches ("dev-main"), which
 * composer compares with nothing, come before every version, and what it refuses before those;
 * both among themselves by bytes. */
int version_composer_compare(struct slice a, struct slice b);
/* A version or a branch. */
bool version_composer_is_valid(struct slice version);

#endif
