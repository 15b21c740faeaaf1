/*
 * version_rpm - versions of rpm packages: [epoch:]version[-release]. See version.h.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_RPM_H
#define TSUJIBAN_COMMON_MODEL_VERSION_RPM_H

#include "common/base/slice.h"

/* As rpm's rpmvercmp on each part; one with a release comes behind the same without. */
int version_rpm_compare(struct slice a, struct slice b);
/* What rpm lets into the tags of a package. */
bool version_rpm_is_valid(struct slice version);

#endif
