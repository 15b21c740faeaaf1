#include "agent/host/account_text.h"

#include "common/base/text.h"

#define FIELDS_MAX 9

/* Of `text` the fields; how many there are, FIELDS_MAX + 1 if there are more than that. */
static size_t split_fields(struct slice line, struct slice field[FIELDS_MAX])
{
	size_t count = 0;
	while (count < FIELDS_MAX) {
		if (!text_split(line, ':', &field[count++], &line)) {
			field[count - 1] = line;
			return count;
		}
	}
	return FIELDS_MAX + 1;
}

/* A NUL byte has no place in a text, and would end a key early. */
static bool is_name(struct slice line, struct slice name)
{
	return name.len > 0 && !memchr("#+-", name.ptr[0], 3) && !memchr(line.ptr, 0, line.len);
}

static bool is_number(struct slice text)
{
	uint64_t number = 0;
	return text_parse_u64(text, UINT32_MAX, &number);
}

bool account_take_user(struct slice *text, struct account_user *out)
{
	struct slice line, field[FIELDS_MAX];
	while (text_take_line(text, &line)) {
		size_t count = split_fields(line, field);
		/* A shell may be left out together with its colon. */
		if ((count != 6 && count != 7) || !is_name(line, field[0]) ||
		        !is_number(field[2]) || !is_number(field[3]))
			continue;
		*out = (struct account_user){.name = field[0],
		        .uid = field[2],
		        .gid = field[3],
		        .home = field[5],
		        .shell = count == 7 ? text_trim(field[6]) : (struct slice){0}};
		return true;
	}
	return false;
}

bool account_take_group(struct slice *text, struct account_group *out)
{
	struct slice line, field[FIELDS_MAX];
	while (text_take_line(text, &line)) {
		size_t count = split_fields(line, field);
		if ((count != 3 && count != 4) || !is_name(line, field[0]) || !is_number(field[2]))
			continue;
		*out = (struct account_group){.name = field[0],
		        .gid = field[2],
		        .members = count == 4 ? text_trim(field[3]) : (struct slice){0}};
		return true;
	}
	return false;
}

bool account_take_shadow(struct slice *text, struct slice *out_name, bool *out_is_locked)
{
	struct slice line, field[FIELDS_MAX];
	while (text_take_line(text, &line)) {
		size_t count = split_fields(line, field);
		if (count < 2 || count > FIELDS_MAX || !is_name(line, field[0]))
			continue;
		*out_name = field[0];
		*out_is_locked = field[1].len > 0 &&
		                 (field[1].ptr[0] == '!' || field[1].ptr[0] == '*');
		return true;
	}
	return false;
}

bool account_shell_lets_in(struct slice shell)
{
	/* By their last name: distributions have them in /sbin, /usr/sbin and /bin. */
	static const char *const NONE[] = {
	        "nologin", "false", "true", "sync", "halt", "shutdown", "reboot", "null"};
	struct slice head, name = shell;
	while (text_split(name, '/', &head, &name))
		continue;
	for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++)
		if (slice_is(name, NONE[i]))
			return false;
	return true;
}
