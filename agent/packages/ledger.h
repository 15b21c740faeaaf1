/*
 * ledger - what dpkg's database said of each package when it was last looked at: kept in the
 * agent's state, so that after a run it is known which paths a package listed before, and after a
 * change of the database whether a run accounts for it. Also how far the log was read.
 *
 * meta "dpkg package NAME:ARCH" (all numbers big endian):
 *
 *	1  version, 1
 *	1  1: the files are named with the architecture
 *	8  key of what matters in the status file: version, state, conffiles
 *	8  key of the content of .list; 0: there is none
 *	8  of .md5sums
 *	8n keys of the listed paths, as keys.h
 *
 * meta "dpkg mark":
 *
 *	1  version, 1
 *	8  when it was made, ns since 1970
 *	8  inode of the log
 *	8  bytes of it that were read
 *	32 SHA-256 of the last of those, at most MARK_TAIL_BYTES
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_LEDGER_H
#define TSUJIBAN_AGENT_PACKAGES_LEDGER_H

#include "common/base/buf.h"
#include "common/base/digest.h"

#define LEDGER_PREFIX   "dpkg package "
#define LEDGER_MARK     "dpkg mark"
#define MARK_TAIL_BYTES 256

struct ledger_record {
	bool is_same;
	uint64_t status_key;
	uint64_t list_key;
	uint64_t md5_key;
	struct slice paths; /* 8 bytes each; ledger_take_path */
};

void ledger_encode(const struct ledger_record *record, struct buf *out);
/* False: of another form; the record is then to be made anew. */
bool ledger_decode(struct slice bytes, struct ledger_record *out);
bool ledger_take_path(struct slice *paths, uint64_t *out_key);

struct mark {
	int64_t time_ns;
	uint64_t inode;
	uint64_t offset;
	uint8_t tail[SHA256_BYTES];
};

void mark_encode(const struct mark *mark, struct buf *out);
bool mark_decode(struct slice bytes, struct mark *out);

#endif
