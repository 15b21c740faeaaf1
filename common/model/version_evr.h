/*
 * version_evr - [epoch:]version[-release], as rpm and pacman part it: an epoch is digits and a
 * colon in front, and a release is what stands behind the last dash.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_EVR_H
#define TSUJIBAN_COMMON_MODEL_VERSION_EVR_H

#include "common/model/version_part.h"

struct evr {
	struct slice epoch; /* absent: there is no colon; empty is 0 */
	struct slice version;
	struct slice release; /* absent: there is no dash */
};

static inline struct evr evr_of(struct slice text)
{
	struct slice rest = text, digits = part_take_digits(&rest);
	struct evr evr = {.version = text};
	if (part_take_one(&rest, ":")) {
		evr.epoch = digits;
		evr.version = rest;
	}
	const uint8_t *dash = evr.version.len > 0 ? memrchr(evr.version.ptr, '-', evr.version.len)
	                                          : NULL;
	if (dash) {
		size_t len = (size_t)(dash - evr.version.ptr);
		evr.release = part_after(evr.version, len + 1);
		evr.version.len = len;
	}
	return evr;
}

#endif
