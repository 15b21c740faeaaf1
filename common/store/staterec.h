/*
 * staterec - a file's state as a record: what the agent's baseline and the collector's picture
 * keep.
 *
 *   version 2, all integers varint, signed ones zigzag
 *   1 byte   version (2)
 *   1 byte   type (low 4 bits), hash status (high 4 bits)
 *   …        mode, uid, gid, size, mtime_ns, ctime_ns, inode, device
 *   32 bytes sha256, only with HASH_DONE
 *   …        target, owner, group, path: length and bytes each; path is empty unless
 *            pathkey_is_short(path)
 *   …        the attributes, or nothing where they are unknown: flags, then the packed xattrs
 *            (xattrs.h) to the end
 *
 * Version 1 ends before the attributes: they are unknown.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_STORE_STATEREC_H
#define TSUJIBAN_COMMON_STORE_STATEREC_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/filestate.h"

/* Appends the record of `state`; `path` is its own path (kept only if its key is shortened). */
void staterec_append(struct buf *out, struct slice path, const struct filestate *state);
/* Slices borrow from `record`; `*out_path` (may be NULL) is absent unless the record carries it.
 * ERR_FORMAT, ERR_VERSION. */
int staterec_read(struct slice record, struct filestate *out, struct slice *out_path);

#endif
