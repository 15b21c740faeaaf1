/*
 * columns - facts of one kind as columns: all values of the first field, then all of the second, …,
 * which compress far better than rows.
 *
 * A value is a varint and what it asks for:
 *
 *   0        the value of the row before
 *   1 … 12   the value of field number - 1 of this row (only of a field before this one)
 *   13       the value of the last row above that has the same in the field before this one, if
 *            that row is remembered: of rows whose FNV-1a (32 bits, of the first COLUMNS_HASHED
 *            bytes) is equal modulo COLUMNS_REMEMBERED the last one is
 *   14 f c   the value of field f of this row (only of a field before this one) without its last
 *            c bytes, two at least: a source package's name, a version without the rebuild
 *   16 + n   another, of n bytes, which follow
 *
 * Whatever repeats otherwise is left to the compressor and its dictionary.
 *
 * Owner    what is unpacked is borrowed from the columns.
 * Errors   ERR_FORMAT.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_CODEC_COLUMNS_H
#define TSUJIBAN_COMMON_CODEC_COLUMNS_H

#include "common/base/buf.h"
#include "common/model/fact.h"

#define COLUMNS_REMEMBERED 4096 /* a power of two */
#define COLUMNS_HASHED     64   /* what is unpacked may be long and come again in every row */

/* Appends field number `field` of all facts. */
void columns_pack(const struct fact *facts, size_t count, unsigned field, struct buf *out);
/* Fills field number `field` of all facts; those before it are there already. */
int columns_unpack(struct slice column, unsigned field, struct fact *facts, size_t count);

#endif
