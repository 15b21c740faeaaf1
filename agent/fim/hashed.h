/*
 * hashed - the digests of files with several names (hard links) that were read lately, so that a
 * file is read once and not once for each of its names.
 *
 * A digest counts for the device, inode, size, mtime and ctime that the file had while it was read.
 * It must not be put while one more change could leave the very same times (is_fresh of probe.h);
 * and whoever was told of a write asks nobody, but reads and puts anew, since a file is stamped
 * before its bytes are there.
 *
 * Memory   nothing until the first put, then up to HASHED_SLOTS files of 72 bytes, until
 *          hashed_rest. One more takes the place of another.
 *
 * Life     hashed_new -> (find | put | rest)* -> hashed_free.
 * Thread   any; a short lock.
 */
#ifndef TSUJIBAN_AGENT_FIM_HASHED_H
#define TSUJIBAN_AGENT_FIM_HASHED_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/base/digest.h"

#define HASHED_SLOTS 32768

struct hashed;

struct hashed *hashed_new(void);
void hashed_free(struct hashed *hashed);
/* False: not known. */
bool hashed_find(struct hashed *hashed, const struct stat *seen, uint8_t sha256[SHA256_BYTES]);
void hashed_put(struct hashed *hashed, const struct stat *seen, const uint8_t sha256[SHA256_BYTES]);
/* Forgets everything. */
void hashed_rest(struct hashed *hashed);

#endif
