/*
 * digest - SHA-256 (FIPS 180-4), through libcrypto, with the algorithm fetched once; and MD5 (RFC
 * 1321), because that is what package databases of old keep.
 *
 * Life     digest_new -> (start -> update* -> finish)* -> digest_free.
 * Thread   one digest at a time on one thread; digest_of uses the thread's own.
 */
#ifndef TSUJIBAN_COMMON_BASE_DIGEST_H
#define TSUJIBAN_COMMON_BASE_DIGEST_H

#include "common/base/slice.h"

#define SHA256_BYTES 32
#define MD5_BYTES    16

struct digest;

struct digest *digest_new(void);
/* NULL where libcrypto has no MD5 (FIPS mode). */
struct digest *digest_new_md5(void);
void digest_free(struct digest *digest);
void digest_start(struct digest *digest);
void digest_update(struct digest *digest, const void *ptr, size_t len);
/* Writes SHA256_BYTES, or MD5_BYTES. */
void digest_finish(struct digest *digest, uint8_t *out);

/* All in one step. */
void digest_of(struct slice bytes, uint8_t out[SHA256_BYTES]);

/* Cryptographically strong random bytes; ends the process when the system has none. */
void random_bytes(void *out, size_t len);

#endif
