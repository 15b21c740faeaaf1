/*
 * loop_private - what the other files of this folder may know of the loop.
 *
 * `later` is a call that is due at the end of the loop step, before the loop waits again, however
 * often it was asked for in the step. The buffers are for one callback at a time: whoever uses them
 * leaves nothing in them that it needs afterwards.
 */
#ifndef TSUJIBAN_COMMON_IO_LOOP_PRIVATE_H
#define TSUJIBAN_COMMON_IO_LOOP_PRIVATE_H

#include <uv.h>

#include "common/base/buf.h"
#include "common/io/loop.h"

#define LOOP_READ_BYTES (64u << 10)

struct later {
	void (*run)(void *ctx);
	void *ctx;
	struct later *prev;
	struct later *next;
	bool is_due;
};

struct loop {
	uv_loop_t uv;
	uv_prepare_t before_wait; /* what timers asked for */
	uv_check_t after_wait;    /* what descriptors asked for */
	struct later due;         /* head of a ring */

	char *read_bytes; /* LOOP_READ_BYTES, shared by all connections; made at first use */
	struct buf plain;
	struct buf cipher;
};

/* Asks for one call; nothing happens when it is due already. */
void loop_later(struct loop *loop, struct later *later);
void loop_later_cancel(struct later *later);

/* Ends the process: a handle that cannot even be made means that the process has no descriptors
 * left for its own loop. */
void loop_require(int status, const char *what);

#endif
