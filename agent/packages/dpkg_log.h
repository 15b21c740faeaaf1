/*
 * dpkg_log - what was added to dpkg.log since it was last read, across its rotation.
 *
 * The mark (ledger.h) says how far that was. The log is found again by the bytes before the mark:
 * in dpkg.log, or, when it was rotated meanwhile, in dpkg.log.1.
 *
 * Errors   the system's, with a sentence. A log that is not there is an empty one.
 * Thread   any; blocks.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_DPKG_LOG_H
#define TSUJIBAN_AGENT_PACKAGES_DPKG_LOG_H

#include "agent/packages/ledger.h"
#include "common/base/err.h"

#define DPKG_LOG "/var/log/dpkg.log"

/* More than that was added: only the end is read. */
#define LOG_BYTES_MAX (64u << 20)

struct log_reading {
	struct buf added; /* whole lines */
	/* It does not go on where it was read last: cut, or rotated more than once. `added` is all
	 * that is there, old lines too. */
	bool is_broken;
	struct mark end; /* all but its time */
};

/* `mark` NULL: nothing counts as added. `out->added` is the caller's to free in any case. */
int dpkg_log_read(
        const char *root, const struct mark *mark, struct log_reading *out, struct reason *out_why);

#endif
