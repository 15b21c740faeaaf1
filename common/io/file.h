/*
 * file - whole small files: read with a cap, written so that a crash leaves the old or the new one.
 *
 * Errors   -errno with the path in the sentence.
 * Thread   any; blocks.
 */
#ifndef TSUJIBAN_COMMON_IO_FILE_H
#define TSUJIBAN_COMMON_IO_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/buf.h"
#include "common/base/err.h"

/* Appends the content; ERR_LIMIT above `limit_bytes`. */
int file_read(const char *path, size_t limit_bytes, struct buf *out, struct reason *out_why);
/* Temporary file in the same directory, mode, fsync, rename, fsync of the directory. */
int file_write(const char *path, struct slice content, mode_t mode, struct reason *out_why);
/* Makes the directory and its parents (mode for the last, 0755 for parents); fine when it is there.
 */
int file_make_dir(const char *path, mode_t mode, struct reason *out_why);
/* Takes an exclusive lock on `path` (made if needed) for as long as the process lives and the
 * descriptor is open; ERR_BUSY when another process has it. */
int file_lock(const char *path, int *out_fd, struct reason *out_why);
/* Whether somebody has the lock on `path`; false where there is no such file. It takes no lock
 * itself, for that could keep a process from starting that asks at the same moment. */
bool file_is_locked(const char *path);

#endif
