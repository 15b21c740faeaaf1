/*
 * root - files below the root of the host that is read ("/", but in tests).
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_SOURCE_ROOT_H
#define TSUJIBAN_AGENT_SOURCE_ROOT_H

#include "common/base/buf.h"
#include "common/base/err.h"

/* Whether it is the running host itself, so that the kernel may be asked. */
bool root_is_host(const char *root);
/* Writes root and `path` (which begins with a slash) over `out`; the text. */
const char *root_path(const char *root, const char *path, struct buf *out);
/* Writes the file's content over `out`. As file_read. */
int root_read(const char *root, const char *path, size_t limit_bytes, struct buf *out,
        struct reason *out_why);

#endif
