/*
 * version_pep440 - versions of Python packages: PEP 440. See version.h.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_PEP440_H
#define TSUJIBAN_COMMON_MODEL_VERSION_PEP440_H

#include "common/base/slice.h"

/* What PEP 440 does not know comes before everything that it does, by bytes. */
int version_pep440_compare(struct slice a, struct slice b);
/* In any of the spellings that PEP 440 normalises. */
bool version_pep440_is_valid(struct slice version);

#endif
