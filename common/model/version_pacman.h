/*
 * version_pacman - pacman's [epoch:]version[-release]. See version.h.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_PACMAN_H
#define TSUJIBAN_COMMON_MODEL_VERSION_PACMAN_H

#include "common/base/slice.h"

/* As vercmp(8), but in two cases, in which vercmp goes in circles: a version without a release is
 * not equal to those of every release but comes before them, and separators count where nothing
 * follows them. */
int version_pacman_compare(struct slice a, struct slice b);
/* As makepkg takes it: PKGBUILD(5). */
bool version_pacman_is_valid(struct slice version);

#endif
