#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/text.h"

static void test_fail_gives_the_code_and_the_sentence(void **state)
{
	(void)state;
	struct reason why;
	assert_int_equal((fail)(&why, -ENOENT, "cannot open '%s'", "/x"), -ENOENT);
	assert_string_equal(why.text, "cannot open '/x'");
	assert_int_equal((fail)(NULL, ERR_LIMIT, "cannot open '%s'", "/x"), ERR_LIMIT);
}

static void test_a_sentence_can_hold_the_one_that_it_replaces(void **state)
{
	(void)state;
	struct reason why;
	(fail)(&why, ERR_FORMAT, "%s", "inner");
	(fail)(&why, ERR_FORMAT, "outer: %s, and %s again", why.text, why.text);
	assert_string_equal(why.text, "outer: inner, and inner again");
}

static void test_a_long_sentence_is_cut_between_characters(void **state)
{
	(void)state;
	char long_text[2 * REASON_MAX];
	for (unsigned lead = 0; lead < 4; lead++) {
		/* Four-byte characters, moved against the cut. */
		memset(long_text, 'x', sizeof(long_text));
		for (size_t i = lead; i + 4 < sizeof(long_text); i += 4)
			memcpy(long_text + i, "\xf0\x9f\x98\x80", 4);
		long_text[sizeof(long_text) - 1] = '\0';
		struct reason why;
		(fail)(&why, ERR_FORMAT, "%s", long_text);
		assert_true(strlen(why.text) < REASON_MAX && strlen(why.text) > REASON_MAX - 5);
		assert_true(text_is_utf8(slice_text(why.text)));
	}
}

static void test_codes_have_words(void **state)
{
	(void)state;
	assert_string_equal(err_text(-ENOSPC), "no space left on device");
	assert_string_equal(err_text(-EACCES), "permission denied");
	assert_string_equal(err_text(ERR_LIMIT), "limit reached");
	assert_string_equal(err_text(0), "success");
	assert_string_equal(err_text(7), "success");
	for (int code = ERR_BUSY; code <= ERR_LIMIT; code++)
		assert_null(strstr(err_text(code), "error "));
	assert_string_equal(err_text(-30799), "error -30799");
	assert_non_null(err_text(INT32_MIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_fail_gives_the_code_and_the_sentence),
	        cmocka_unit_test(test_a_sentence_can_hold_the_one_that_it_replaces),
	        cmocka_unit_test(test_a_long_sentence_is_cut_between_characters),
	        cmocka_unit_test(test_codes_have_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
