/*
 * pack - bytes compressed for the disk: one zstd frame that says how long its content is.
 *
 * Life     packer_new -> (pack | pack_open | packer_rest)* -> packer_free.
 * Errors   pack: -ENOMEM. pack_open: ERR_FORMAT, ERR_LIMIT (the content is longer than allowed:
 *          found out before anything is allocated), -ENOMEM.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_COMMON_CODEC_PACK_H
#define TSUJIBAN_COMMON_CODEC_PACK_H

#include "common/base/buf.h"
#include "common/base/err.h"

struct packer;

struct packer *packer_new(void);
void packer_free(struct packer *packer);
/* Frees what compressing and decompressing need; the next call makes it anew. */
void packer_rest(struct packer *packer);

/* Both append to `out`, and nothing when they fail. */
int pack(struct packer *packer, struct slice plain, struct buf *out);
int pack_open(struct packer *packer, struct slice packed, size_t most_bytes, struct buf *out);

#endif
