/*
 * rpm_region - what of a header came with the package, and whether it is still that.
 *
 * rpm keeps what the package brought together at the beginning of index and data, as one region
 * under tag 63 (RPMTAG_HEADERIMMUTABLE), and adds its own behind it: times, states of files, and
 * the package's digests and signatures over the region, the SHA-256 among them under tag 273. The
 * region's own entry points at its last 16 bytes of data: an entry that has, as its offset, how
 * long the region's index is, negated.
 *
 * Thread   any; no state.
 * Source   rpm's lib/header.c (hdrblobVerifyRegion, hdrblobDigestUpdate).
 */
#ifndef TSUJIBAN_AGENT_RPMDB_RPM_REGION_H
#define TSUJIBAN_AGENT_RPMDB_RPM_REGION_H

#include "agent/rpmdb/rpm_header.h"
#include "common/base/digest.h"

enum rpm_soundness {
	RPM_SOUND,    /* the digest fits */
	RPM_UNSURE,   /* there is no digest, or no region: packages of before rpm 4.14 */
	RPM_FORGED,   /* it does not fit */
	RPM_OVERLAID, /* it does, but what it says of files is said anew outside the region */
};

enum rpm_soundness rpm_region_check(const struct rpm_header *header);
/* The SHA-256 of all but the states of files, which rpm changes when other packages replace or
 * leave files of this one. */
void rpm_header_digest(const struct rpm_header *header, uint8_t out[SHA256_BYTES]);

#endif
