/*
 * pathkey - paths as keys of at most PATHKEY_MAX bytes, so that a directory's entries are
 * neighbours.
 *
 *   the path is split into directory D and name N ("/" has D = "" and N = "")
 *   D is at most 200 bytes:  D, NUL, N
 *   D is longer:             the first 200 bytes of D, 0x01, 32 hex digits (half of D's SHA-256),
 *                            NUL, N
 *
 * Names are at most 255 bytes (NAME_MAX), so a key has at most 200 + 1 + 32 + 1 + 255 = 489 bytes.
 * The records that are stored under such a key carry the full path themselves when D was shortened
 * (see staterec.h).
 *
 * In key order the entries of "/a" are all the keys with prefix "/a" NUL; what lies deeper has the
 * prefix "/a/".
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_STORE_PATHKEY_H
#define TSUJIBAN_COMMON_STORE_PATHKEY_H

#include "common/base/buf.h"

#define PATHKEY_MAX        489
#define PATHKEY_DIR_MAX    200
#define PATHKEY_NAME_MAX   255
#define PATHKEY_PATH_BYTES 4096 /* PATH_MAX: longer paths are refused */

/* 0 for what has a key; or as pathkey_of. */
int pathkey_check(struct slice path);

struct pathkey {
	size_t len;
	uint8_t bytes[PATHKEY_MAX];
};
/* The key of an absolute path without trailing slash ("/" itself is allowed). ERR_LIMIT for
 * a name or path that is too long, ERR_FORMAT for one that is not absolute, has a NUL byte or an
 * empty component. */
int pathkey_of(struct slice path, struct pathkey *out);
int pathkey_append(struct buf *out, struct slice path);
/* Appends the prefix that the keys of the entries of directory `dir` have, and no other; except
 * that the key of "/" equals the prefix of its entries. */
int pathkey_append_entries(struct buf *out, struct slice dir);
/* Appends the prefix that the keys of everything below the entries have; when `dir` has
 * PATHKEY_DIR_MAX bytes or more, other keys have it too (returns 1): compare the full path of each
 * record then. */
int pathkey_append_deeper(struct buf *out, struct slice dir);
/* Whether the directory was shortened, so that the record has to carry the path. */
bool pathkey_is_short(struct slice path);
/* The path of a key whose directory was not shortened, appended to `out`; ERR_FORMAT for others. */
int pathkey_path(struct slice key, struct buf *out);

#endif
