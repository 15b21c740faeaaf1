#include "common/base/clock.h"

#include <time.h>

#include "common/base/text.h"

#define DAY_S         86400
#define CENTURY_S     3155760000ULL /* 100 years of 365.25 days */
#define ERA_DAYS      146097        /* 400 years */
#define DAYS_TO_EPOCH 719468        /* from 0000-03-01 to 1970-01-01 */

int64_t clock_wall_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

uint64_t clock_mono_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
}

struct date {
	int64_t year;
	unsigned month; /* 1 to 12 */
	unsigned day;   /* 1 to 31 */
};

/* The two below are Howard Hinnant's days_from_civil and civil_from_days: years begin in March, so
 * that the leap day is the last. gmtime_r(3) would take a lock for each of a million events. */
static int64_t days_of_date(struct date date)
{
	int64_t year = date.year - (date.month <= 2);
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
	int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * ERA_DAYS + day_of_era - DAYS_TO_EPOCH;
}

static struct date date_of_days(int64_t days)
{
	days += DAYS_TO_EPOCH;
	int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t day_of_era = days - era * ERA_DAYS;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
	                              day_of_era / 146096) /
	                      365;
	int64_t day_of_year = day_of_era -
	                      (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct date date = {
	        .day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1),
	        .month = (unsigned)(month < 10 ? month + 3 : month - 9),
	};
	date.year = year_of_era + era * 400 + (date.month <= 2);
	return date;
}

static int64_t floor_div(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

static char *put_number(char *at, int64_t value, unsigned digits, char behind)
{
	for (unsigned i = digits; i-- > 0; value /= 10)
		at[i] = (char)('0' + value % 10);
	at[digits] = behind;
	return at + digits + 1;
}

char *clock_format(int64_t wall_ns, char out[CLOCK_TEXT_MAX])
{
	int64_t seconds = floor_div(wall_ns, NS_PER_S);
	int64_t days = floor_div(seconds, DAY_S);
	int64_t of_day = seconds - days * DAY_S;
	struct date date = date_of_days(days); /* years 1677 to 2262: all that 64 bits hold */
	char *at = out;
	at = put_number(at, date.year, 4, '-');
	at = put_number(at, date.month, 2, '-');
	at = put_number(at, date.day, 2, 'T');
	at = put_number(at, of_day / 3600, 2, ':');
	at = put_number(at, of_day / 60 % 60, 2, ':');
	at = put_number(at, of_day % 60, 2, '.');
	int64_t fraction = wall_ns % NS_PER_S;
	at = put_number(at, (fraction < 0 ? fraction + NS_PER_S : fraction) / 1000, 6, 'Z');
	*at = '\0';
	return out;
}

/* Takes exactly `digits` digits and then `behind`, unless that is 0. */
static bool take_number(struct slice *in, unsigned digits, char behind, unsigned *out)
{
	size_t want = digits + (behind ? 1 : 0);
	uint64_t value;
	if (in->len < want || !text_parse_u64(slice_of(in->ptr, digits), UINT32_MAX, &value) ||
	        (behind && in->ptr[digits] != (uint8_t)behind))
		return false;
	in->ptr += want;
	in->len -= want;
	*out = (unsigned)value;
	return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const unsigned char DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return DAYS[month - 1] + (month == 2 && is_leap);
}

static bool take_date(struct slice *in, int64_t *out_days)
{
	unsigned year, month, day;
	if (!take_number(in, 4, '-', &year) || !take_number(in, 2, '-', &month) ||
	        !take_number(in, 2, 0, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	*out_days = days_of_date((struct date){.year = year, .month = month, .day = day});
	return true;
}

/* ".5" and longer; digits beyond the ninth are read and dropped. No fraction is 0. */
static bool take_fraction(struct slice *in, int64_t *out_ns)
{
	*out_ns = 0;
	if (in->len == 0 || in->ptr[0] != '.')
		return true;
	size_t at = 1;
	int64_t unit = NS_PER_S / 10;
	for (; at < in->len && in->ptr[at] >= '0' && in->ptr[at] <= '9'; at++, unit /= 10)
		*out_ns += (in->ptr[at] - '0') * unit;
	if (at == 1)
		return false;
	in->ptr += at;
	in->len -= at;
	return true;
}

static bool take_zone(struct slice *in, int64_t *out_seconds)
{
	uint8_t sign;
	if (!slice_take_byte(in, &sign))
		return false;
	*out_seconds = 0;
	if (sign == 'Z' || sign == 'z')
		return true;
	unsigned hours, minutes;
	if ((sign != '+' && sign != '-') || !take_number(in, 2, ':', &hours) ||
	        !take_number(in, 2, 0, &minutes) || hours > 23 || minutes > 59)
		return false;
	*out_seconds = (int64_t)(hours * 3600 + minutes * 60) * (sign == '+' ? 1 : -1);
	return true;
}

static bool to_wall_ns(int64_t seconds, int64_t ns, int64_t *out)
{
	int64_t wall_ns;
	if (__builtin_mul_overflow(seconds, NS_PER_S, &wall_ns) ||
	        __builtin_add_overflow(wall_ns, ns, &wall_ns))
		return false;
	*out = wall_ns;
	return true;
}

bool clock_parse(struct slice text, int64_t *out_wall_ns)
{
	int64_t days, ns, zone;
	unsigned hour, minute, second;
	uint8_t between;
	if (!take_date(&text, &days) || !slice_take_byte(&text, &between) ||
	        (between != 'T' && between != 't' && between != ' '))
		return false;
	/* Second 60 is a leap second (RFC 3339 section 5.6): the first of the next minute here. */
	if (!take_number(&text, 2, ':', &hour) || !take_number(&text, 2, ':', &minute) ||
	        !take_number(&text, 2, 0, &second) || hour > 23 || minute > 59 || second > 60)
		return false;
	if (!take_fraction(&text, &ns) || !take_zone(&text, &zone) || text.len != 0)
		return false;
	int64_t seconds = days * DAY_S + 3600L * hour + 60L * minute + second - zone;
	return to_wall_ns(seconds, ns, out_wall_ns);
}

bool clock_parse_duration(struct slice text, int64_t *out_ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} UNITS[] = {
	        {"", NS_PER_S},
	        {"s", NS_PER_S},
	        {"m", 60 * NS_PER_S},
	        {"h", 3600 * NS_PER_S},
	        {"d", DAY_S * NS_PER_S},
	        {"ms", NS_PER_MS},
	};
	size_t digits = 0;
	while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
		digits++;
	struct slice unit = slice_of(text.ptr + digits, text.len - digits);
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		uint64_t max = CENTURY_S * (uint64_t)NS_PER_S / (uint64_t)UNITS[i].ns;
		uint64_t count;
		if (!slice_is(unit, UNITS[i].name))
			continue;
		if (!text_parse_u64(slice_of(text.ptr, digits), max, &count))
			return false;
		*out_ns = (int64_t)count * UNITS[i].ns;
		return true;
	}
	return false;
}

bool clock_parse_since(struct slice text, int64_t now_ns, int64_t *out_wall_ns)
{
	int64_t duration, days;
	if (clock_parse_duration(text, &duration))
		return !__builtin_sub_overflow(now_ns, duration, out_wall_ns);
	struct slice date = text;
	if (take_date(&date, &days) && date.len == 0)
		return to_wall_ns(days * DAY_S, 0, out_wall_ns);
	return clock_parse(text, out_wall_ns);
}
