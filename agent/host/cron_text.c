#include "agent/host/cron_text.h"

#include <ctype.h>

#include "common/base/text.h"

#define TIME_FIELDS    5
#define SCHEDULE_BYTES 256

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Takes a word and the blanks around it; false when there is none. */
static bool take_word(struct slice *line, struct slice *out)
{
	*line = text_trim(*line);
	size_t len = 0;
	while (len < line->len && !is_blank(line->ptr[len]))
		len++;
	*out = slice_of(line->ptr, len);
	*line = text_trim(slice_of(line->ptr + len, line->len - len));
	return len > 0;
}

/* NAME = VALUE, where the name may be quoted. No time has a "=" before its first blank or behind
 * it, and no variable's name a blank. */
static bool sets_variable(struct slice line)
{
	size_t at = 0;
	if (line.ptr[0] == '"' || line.ptr[0] == '\'') {
		const uint8_t *end = memchr(line.ptr + 1, line.ptr[0], line.len - 1);
		at = end ? (size_t)(end - line.ptr) + 1 : line.len;
	}
	while (at < line.len && !is_blank(line.ptr[at]) && line.ptr[at] != '=')
		at++;
	while (at < line.len && is_blank(line.ptr[at]))
		at++;
	return at < line.len && line.ptr[at] == '=';
}

/* Numbers, names of days and months, lists, ranges, steps; "~" is cronie's word for any of a range.
 * A dash before all of it keeps SUSE's cron from logging. */
static bool is_time(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!isalnum(word.ptr[i]) && !memchr("*,-/~?", word.ptr[i], 6))
			return false;
	return word.len > 0 && (isalnum(word.ptr[0]) || memchr("*-~?", word.ptr[0], 4));
}

static bool is_at_word(struct slice word)
{
	if (word.len < 2 || word.ptr[0] != '@')
		return false;
	for (size_t i = 1; i < word.len; i++)
		if (!isalpha(word.ptr[i]) && word.ptr[i] != '_')
			return false;
	return true;
}

static bool take_schedule(struct slice *line, struct buf *out)
{
	struct slice word;
	if (!take_word(line, &word))
		return false;
	if (is_at_word(word)) {
		buf_append_slice(out, word);
		return out->len <= SCHEDULE_BYTES;
	}
	for (int i = 0; i < TIME_FIELDS; i++) {
		if ((i > 0 && !take_word(line, &word)) || !is_time(word))
			return false;
		if (i > 0)
			buf_append_byte(out, ' ');
		buf_append_slice(out, word);
	}
	return out->len <= SCHEDULE_BYTES;
}

static bool take_anacron_schedule(struct slice *line, struct buf *out)
{
	struct slice period, delay, name;
	uint64_t days = 0;
	if (!take_word(line, &period) || !take_word(line, &delay) || !take_word(line, &name) ||
	        !text_parse_u64(delay, UINT32_MAX, &days))
		return false;
	if (is_at_word(period))
		buf_append_slice(out, period);
	else if (text_parse_u64(period, UINT32_MAX, &days))
		buf_printf(out, days == 1 ? "every %llu day" : "every %llu days",
		        (unsigned long long)days);
	return out->len > 0 && out->len <= SCHEDULE_BYTES;
}

static bool parse_line(
        struct slice line, enum cron_form form, struct buf *schedule, struct cron_line *out)
{
	*out = (struct cron_line){0};
	buf_reset(schedule);
	if (form == CRON_OF_ANACRON && !take_anacron_schedule(&line, schedule))
		return false;
	if (form != CRON_OF_ANACRON && !take_schedule(&line, schedule))
		return false;
	if (form == CRON_OF_SYSTEM && !take_word(&line, &out->user))
		return false;
	out->command = line;
	return line.len > 0;
}

bool cron_take(
        struct slice *text, enum cron_form form, struct buf *out_schedule, struct cron_line *out)
{
	struct slice line;
	while (text_take_line(text, &line)) {
		line = text_trim(line);
		if (line.len == 0 || line.ptr[0] == '#' || memchr(line.ptr, 0, line.len) ||
		        sets_variable(line))
			continue;
		if (parse_line(line, form, out_schedule, out))
			return true;
	}
	return false;
}

static bool ends_with(struct slice name, const char *ending)
{
	size_t len = strlen(ending);
	return name.len > len && memcmp(name.ptr + name.len - len, ending, len) == 0;
}

bool cron_runs_name(const char *name, bool is_debian)
{
	static const char *const LEFT[] = {
	        "~", ".rpmsave", ".rpmorig", ".rpmnew", ".swp", ",v", ".cfsaved"};
	struct slice text = slice_text(name);
	if (text.len == 0 || name[0] == '.')
		return false;
	for (size_t i = 0; is_debian && i < text.len; i++)
		if (!isalnum(text.ptr[i]) && text.ptr[i] != '_' && text.ptr[i] != '-')
			return false;
	for (size_t i = 0; i < sizeof(LEFT) / sizeof(LEFT[0]); i++)
		if (ends_with(text, LEFT[i]))
			return false;
	return name[0] != '#'; /* an editor's, "#name#" */
}
