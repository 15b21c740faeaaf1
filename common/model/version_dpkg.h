/*
 * version_dpkg - deb-version(7): [epoch:]upstream[-revision]. See version.h.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_DPKG_H
#define TSUJIBAN_COMMON_MODEL_VERSION_DPKG_H

#include "common/base/slice.h"

int version_dpkg_compare(struct slice a, struct slice b);
/* As dpkg's parseversion, which archives rely on: it is stricter than what compare accepts. */
bool version_dpkg_is_valid(struct slice version);

#endif
