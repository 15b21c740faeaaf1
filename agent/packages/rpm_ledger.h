/*
 * rpm_ledger - what rpm's database said of each package when it was last looked at, kept in the
 * agent's state: so that it is known what a run did, which paths a package listed before, and
 * whether an entry has changed that no run has to do with.
 *
 * meta "rpm package NAME-EVR.ARCH", with EVR as [EPOCH:]VERSION-RELEASE (all numbers big endian):
 *
 *	1  version, 1
 *	8  install time, seconds since 1970
 *	8  number of the transaction that installed it
 *	32 SHA-256 of the header but the states of its files
 *	8n keys of the listed paths, as keys.h
 *
 * meta "rpm mark":
 *
 *	1  version, 1
 *	8  when it was looked at, ns since 1970
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_RPM_LEDGER_H
#define TSUJIBAN_AGENT_PACKAGES_RPM_LEDGER_H

#include "common/base/buf.h"
#include "common/base/digest.h"

#define RPM_LEDGER_PREFIX "rpm package "
#define RPM_LEDGER_MARK   "rpm mark"

struct rpm_record {
	uint64_t install_time;
	uint64_t transaction;
	uint8_t digest[SHA256_BYTES];
	struct slice paths; /* 8 bytes each; ledger_take_path */
};

void rpm_record_encode(const struct rpm_record *record, struct buf *out);
/* False: of another form; the record is then to be made anew. */
bool rpm_record_decode(struct slice bytes, struct rpm_record *out);
void rpm_mark_encode(int64_t time_ns, struct buf *out);
bool rpm_mark_decode(struct slice bytes, int64_t *out_time_ns);

#endif
