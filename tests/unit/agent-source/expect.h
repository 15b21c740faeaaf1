/* What a fact should say. To be included last, as cmocka.h is. */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_SOURCE_EXPECT_H
#define TSUJIBAN_TESTS_UNIT_AGENT_SOURCE_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/model/fact.h"

#include <cmocka.h>

static inline void expect(const struct fact *fact, unsigned field, const char *value)
{
	if (!fact)
		fail_msg("no such fact");
	else if (!slice_is(fact->field[field], value))
		fail_msg("field %u is '%.*s', not '%s'", field, SLICE_ARG(fact->field[field]),
		        value);
}

#endif
