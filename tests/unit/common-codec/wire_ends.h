/* What is encoded, and what comes back of it. To be included last, as cmocka.h is. */
#ifndef TSUJIBAN_TESTS_UNIT_COMMON_CODEC_WIRE_ENDS_H
#define TSUJIBAN_TESTS_UNIT_COMMON_CODEC_WIRE_ENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/codec/wire.h"

#include <cmocka.h>

static struct arena *arena;
static struct buf out;
static struct reason why;

static inline int begin(void **state)
{
	(void)state;
	arena = arena_new(4u << 20);
	out = BUF_INIT;
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	arena_free(arena);
	buf_fini(&out);
	return 0;
}

static inline void encode(const struct message *message)
{
	buf_reset(&out);
	assert_int_equal(wire_encode(message, &out), 0);
}

static inline struct message decode(enum frame_kind kind)
{
	struct message message;
	int rc = wire_decode(kind, buf_slice(&out), arena, &message, &why);
	if (rc != 0)
		fail_msg("%s", why.text);
	assert_int_equal(message.kind, kind);
	return message;
}

#endif
