/*
 * unpack - bytes that zlib or zip packed, never more than the caller has room for.
 *
 * Errors   ERR_FORMAT: damaged or cut; ERR_LIMIT: there are more than `limit_bytes`. With a reason.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_APPS_UNPACK_H
#define TSUJIBAN_AGENT_APPS_UNPACK_H

#include "agent/apps/extent.h"

enum unpack_form {
	UNPACK_ZLIB,    /* RFC 1950 */
	UNPACK_DEFLATE, /* RFC 1951 */
};

/* Over `out`. What stands behind the end of the packed bytes does not matter. */
int unpack(const struct extent *packed, enum unpack_form form, size_t limit_bytes, struct buf *out,
        struct reason *out_why);

#endif
