/*
 * wire_sync - the messages of state sync, for wire_message.c: see wire.h.
 *
 * wire_check_* before packing and after unpacking: ERR_LIMIT above a cap, ERR_FORMAT for what makes
 * no sense.
 */
#ifndef TSUJIBAN_COMMON_CODEC_WIRE_SYNC_H
#define TSUJIBAN_COMMON_CODEC_WIRE_SYNC_H

#include "common/codec/wire.h"

int wire_check_root(struct slice root, struct reason *out_why);

int wire_check_offer(const struct offer *offer, struct reason *out_why);
int wire_pack_offer(const struct offer *offer, struct buf *out);
int wire_unpack_offer(
        struct slice payload, struct arena *arena, struct offer *out, struct reason *out_why);

int wire_check_want(const struct want *want, struct reason *out_why);
int wire_pack_want(const struct want *want, struct buf *out);
int wire_unpack_want(
        struct slice payload, struct arena *arena, struct want *out, struct reason *out_why);

int wire_check_bucket(const struct bucket *bucket, struct reason *out_why);
int wire_pack_bucket(const struct bucket *bucket, struct buf *out);
int wire_unpack_bucket(
        struct slice payload, struct arena *arena, struct bucket *out, struct reason *out_why);

#endif
