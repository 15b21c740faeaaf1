#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"

static const char *format(int64_t wall_ns)
{
	static char text[CLOCK_TEXT_MAX];
	return clock_format(wall_ns, text);
}

static void test_moments_are_written_in_utc(void **state)
{
	(void)state;
	assert_string_equal(format(0), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(format(-1), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(format(951782400 * NS_PER_S), "2000-02-29T00:00:00.000000Z");
	assert_string_equal(format(1795341600123456789), "2026-11-22T10:00:00.123456Z");
	assert_string_equal(format(INT64_MAX), "2262-04-11T23:47:16.854775Z");
	assert_string_equal(format(INT64_MIN), "1677-09-21T00:12:43.145224Z");
}

static void test_the_calendar_is_the_systems(void **state)
{
	(void)state;
	for (int64_t seconds = -9000000000; seconds < 9000000000; seconds += 86399 * 11) {
		time_t when = seconds;
		struct tm tm;
		char want[CLOCK_TEXT_MAX];
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000000Z", gmtime_r(&when, &tm));
		assert_string_equal(format(seconds * NS_PER_S), want);
		int64_t back;
		assert_true(clock_parse(slice_text(want), &back));
		assert_true(back == seconds * NS_PER_S);
	}
}

static void assert_parses(const char *text, int64_t want)
{
	int64_t got = 42;
	if (!clock_parse(slice_text(text), &got) || got != want)
		fail_msg("'%s' gives %jd", text, (intmax_t)got);
}

static void test_every_form_of_rfc_3339_is_read(void **state)
{
	(void)state;
	assert_parses("1970-01-01T00:00:00Z", 0);
	assert_parses("1970-01-01t00:00:01z", NS_PER_S);
	assert_parses("1970-01-01 00:00:01Z", NS_PER_S);
	assert_parses("1970-01-01T00:00:00.5Z", 500000000);
	assert_parses("1970-01-01T00:00:00.123456789012345Z", 123456789);
	assert_parses("1970-01-01T09:00:00+09:00", 0);
	assert_parses("1969-12-31T19:30:00-04:30", 0);
	assert_parses("2016-12-31T23:59:60Z", 1483228800 * NS_PER_S);
	assert_parses("2024-02-29T00:00:00Z", 1709164800 * NS_PER_S);
}

static void test_what_is_no_moment_is_refused(void **state)
{
	(void)state;
	static const char *const WRONG[] = {"", "1970-01-01", "1970-01-01T00:00:00",
	        "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00Z ", "1970-13-01T00:00:00Z",
	        "1970-00-01T00:00:00Z", "1970-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
	        "1970-01-32T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z",
	        "1970-01-01T00:00:61Z", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+0900",
	        "70-01-01T00:00:00Z", "1970-1-1T00:00:00Z", "+970-01-01T00:00:00Z",
	        "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00,5Z"};
	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
		int64_t got;
		if (clock_parse(slice_text(WRONG[i]), &got))
			fail_msg("'%s' was taken", WRONG[i]);
	}
}

static void test_durations_have_units(void **state)
{
	(void)state;
	int64_t ns;
	assert_true(clock_parse_duration(slice_text("90s"), &ns) && ns == 90 * NS_PER_S);
	assert_true(clock_parse_duration(slice_text("15m"), &ns) && ns == 900 * NS_PER_S);
	assert_true(clock_parse_duration(slice_text("2h"), &ns) && ns == 7200 * NS_PER_S);
	assert_true(clock_parse_duration(slice_text("7d"), &ns) && ns == 604800 * NS_PER_S);
	assert_true(clock_parse_duration(slice_text("250ms"), &ns) && ns == 250 * NS_PER_MS);
	assert_true(clock_parse_duration(slice_text("30"), &ns) && ns == 30 * NS_PER_S);
	assert_true(clock_parse_duration(slice_text("36525d"), &ns));
	static const char *const WRONG[] = {"", "s", "-1s", "1.5h", "1 h", "1w", "1S", "36526d",
	        "3155760001", "99999999999999999999999999ms"};
	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
		if (clock_parse_duration(slice_text(WRONG[i]), &ns))
			fail_msg("'%s' was taken", WRONG[i]);
	}
	assert_false(clock_parse_duration(slice_of(NULL, 0), &ns));
}

static void test_since_takes_a_moment_a_date_or_a_duration(void **state)
{
	(void)state;
	int64_t now = 1000000 * NS_PER_S, got;
	assert_true(clock_parse_since(slice_text("1h"), now, &got));
	assert_true(got == now - 3600 * NS_PER_S);
	assert_true(clock_parse_since(slice_text("1970-01-02"), now, &got));
	assert_true(got == 86400 * NS_PER_S);
	assert_true(clock_parse_since(slice_text("1970-01-02T00:00:01Z"), now, &got));
	assert_true(got == 86401 * NS_PER_S);
	assert_false(clock_parse_since(slice_text("yesterday"), now, &got));
	assert_false(clock_parse_since(slice_text("1h"), INT64_MIN, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_moments_are_written_in_utc),
	        cmocka_unit_test(test_the_calendar_is_the_systems),
	        cmocka_unit_test(test_every_form_of_rfc_3339_is_read),
	        cmocka_unit_test(test_what_is_no_moment_is_refused),
	        cmocka_unit_test(test_durations_have_units),
	        cmocka_unit_test(test_since_takes_a_moment_a_date_or_a_duration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
