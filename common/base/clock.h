/*
 * clock - the time, and how it is written.
 *
 * Units    wall time is nanoseconds since 1970-01-01T00:00:00Z; the monotonic clock is milliseconds
 *          since an arbitrary start.
 * Thread   any.
 */
#ifndef TSUJIBAN_COMMON_BASE_CLOCK_H
#define TSUJIBAN_COMMON_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/slice.h"

#define CLOCK_TEXT_MAX 40
#define NS_PER_S       1000000000LL
#define NS_PER_MS      1000000LL

int64_t clock_wall_ns(void);
uint64_t clock_mono_ms(void);

/* RFC 3339 in UTC with microseconds: "2026-11-22T10:00:00.123456Z". Returns `out`. */
char *clock_format(int64_t wall_ns, char out[CLOCK_TEXT_MAX]);
/* RFC 3339 with any fraction and any zone; false when it is none. */
bool clock_parse(struct slice text, int64_t *out_wall_ns);
/* "90s", "15m", "2h", "7d", "250ms"; a bare number is seconds. False when it is none of these or
 * beyond 100 years. */
bool clock_parse_duration(struct slice text, int64_t *out_ns);
/* A moment (RFC 3339, or a date "2026-11-22") or a duration before `now_ns`. */
bool clock_parse_since(struct slice text, int64_t now_ns, int64_t *out_wall_ns);

#endif
