/*
 * mountinfo - lines of /proc/PID/mountinfo, proc(5).
 *
 * Owner    slices borrow from the line; the unescaped texts from `scratch`.
 * Errors   a line that has another form is passed over.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_WATCH_MOUNTINFO_H
#define TSUJIBAN_AGENT_WATCH_MOUNTINFO_H

#include "common/base/buf.h"

#define MOUNTINFO_BYTES_MAX (16u << 20)

struct mount_line {
	uint64_t id;        /* as statx(2) has it in stx_mnt_id */
	struct slice root;  /* of the file system, what is mounted: "/" but for bind mounts */
	struct slice point; /* where */
};

/* Takes the next good line off the front; false at the end. */
bool mountinfo_next(struct slice *text, struct buf *scratch, struct mount_line *out);

#endif
