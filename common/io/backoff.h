/*
 * backoff - how long to wait before the next try: doubles from `first_ms` to `most_ms`, and a
 * random half is taken off, so that a fleet that lost its collector does not come back in step.
 *
 * A plain value.
 *
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_COMMON_IO_BACKOFF_H
#define TSUJIBAN_COMMON_IO_BACKOFF_H

#include <stdint.h>

struct backoff {
	uint64_t first_ms;
	uint64_t most_ms;
	uint64_t current_ms; /* 0: no failure yet */
};

/* The wait after one more failure, between half of the step and the step. `random` is any random
 * number: tests choose it. */
uint64_t backoff_next_ms(struct backoff *backoff, uint64_t random);
/* After a success. */
void backoff_reset(struct backoff *backoff);

#endif
