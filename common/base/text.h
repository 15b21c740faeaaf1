/*
 * text - bytes to text and back: hex, base64, UTF-8, numbers, safe display.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_BASE_TEXT_H
#define TSUJIBAN_COMMON_BASE_TEXT_H

#include "common/base/buf.h"

/* Lower case. */
void text_append_hex(struct buf *out, struct slice bytes);
/* Exactly `len` bytes from 2*len hex digits of either case; false when it is anything else. */
bool text_parse_hex(struct slice text, uint8_t *out, size_t len);
/* RFC 4648 section 4, with padding. */
void text_append_base64(struct buf *out, struct slice bytes);

/* RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF. */
bool text_is_utf8(struct slice bytes);
/* For a terminal, a log or a JSON string: valid UTF-8 stays, except that control characters
 * (C0, DEL, C1), bidirectional controls and bytes that are not UTF-8 become \xHH, and a backslash
 * becomes two. */
void text_append_display(struct buf *out, struct slice bytes);

/* Decimal digits only; false when empty, otherwise formed, or above `max`. */
bool text_parse_u64(struct slice text, uint64_t max, uint64_t *out);

/* Takes the line up to the next '\n' (dropped, not part of out_line) from `*in`; the last line may
 * lack its '\n'. False at the end. */
bool text_take_line(struct slice *in, struct slice *out_line);
/* Without leading and trailing spaces, tabs, '\r' and '\n'. */
struct slice text_trim(struct slice text);
/* Splits at the first `separator`; false, with nothing written, when there is none. */
bool text_split(struct slice text, char separator, struct slice *out_head, struct slice *out_tail);

/* Host names as identities: 1 to 253 of A-Z a-z 0-9 . _ -, and the first and last are no dot or
 * dash (RFC 1123 section 2.1 with the underscore that real hosts have). */
bool text_is_host_name(struct slice text);

#endif
