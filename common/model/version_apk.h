/*
 * version_apk - versions of Alpine's packages: 1.2.3b_rc1_p2~1234abcd-r4. See version.h.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_APK_H
#define TSUJIBAN_COMMON_MODEL_VERSION_APK_H

#include "common/base/slice.h"

/* As apk version -t: what does not belong to a version, and all behind it, comes before the end. */
int version_apk_compare(struct slice a, struct slice b);
/* As apk version -c. */
bool version_apk_is_valid(struct slice version);

#endif
