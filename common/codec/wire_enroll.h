/*
 * wire_enroll - the messages of enrolment and renewal, for wire_message.c: see wire.h.
 *
 * wire_check_* before packing and after unpacking: ERR_LIMIT above a cap, ERR_FORMAT for no text.
 */
#ifndef TSUJIBAN_COMMON_CODEC_WIRE_ENROLL_H
#define TSUJIBAN_COMMON_CODEC_WIRE_ENROLL_H

#include "common/codec/wire.h"

int wire_check_enroll_request(const struct enroll_request *request, struct reason *out_why);
int wire_pack_enroll_request(const struct enroll_request *request, struct buf *out);
int wire_unpack_enroll_request(struct slice payload, struct arena *arena,
        struct enroll_request *out, struct reason *out_why);

/* RenewReply has the same fields: it goes as an EnrollReply. */
int wire_check_enroll_reply(const struct enroll_reply *reply, struct reason *out_why);
int wire_pack_enroll_reply(const struct enroll_reply *reply, struct buf *out);
int wire_unpack_enroll_reply(struct slice payload, struct arena *arena, struct enroll_reply *out,
        struct reason *out_why);

int wire_check_renew_request(const struct renew_request *request, struct reason *out_why);
int wire_pack_renew_request(const struct renew_request *request, struct buf *out);
int wire_unpack_renew_request(struct slice payload, struct arena *arena, struct renew_request *out,
        struct reason *out_why);

#endif
