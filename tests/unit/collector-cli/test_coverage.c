#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/cli/coverage.h"

static void expect(const char *json, const char *want)
{
	json_t *coverage = json_loads(json, 0, NULL);
	struct buf out = BUF_INIT;

	coverage_append(coverage, &out);
	assert_string_equal(buf_text(&out), want);
	buf_fini(&out);
	json_decref(coverage);
}

static void test_what_is_not_known_is_said_and_nothing_else(void **state)
{
	(void)state;
	expect("{\"hosts\":40,\"matches\":3,\"stale\":0,\"unknown\":0,\"unordered\":0,"
	       "\"unordered_managers\":[]}",
	        "");
	expect("{\"hosts\":40,\"stale\":2,\"unknown\":1,\"unordered\":0,\"unordered_managers\":[]}",
	        "of 40 hosts 2 are away (what they say may be stale), 1 has sent no inventory yet");
	expect("{\"hosts\":1,\"stale\":0,\"unknown\":0,\"unordered\":1,"
	       "\"unordered_managers\":[\"npm\",\"x\\u001b\"]}",
	        "of 1 host 1 has a version that cannot be compared (npm, x\\x1b)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_is_not_known_is_said_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
