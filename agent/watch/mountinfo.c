#include "agent/watch/mountinfo.h"

#include "common/base/text.h"

/* Fields are parted by single spaces: id, parent, major:minor, root, mount point, … */
#define FIELD_ROOT  3
#define FIELD_POINT 4
#define FIELDS      5

static bool is_octal(uint8_t c)
{
	return c >= '0' && c <= '7';
}

/* Space, tab, newline and backslash stand as \ooo. */
static struct slice unescape(struct slice field, struct buf *scratch)
{
	size_t from = scratch->len;
	for (size_t i = 0; i < field.len; i++) {
		const uint8_t *at = field.ptr + i;
		bool is_code = at[0] == '\\' && field.len - i > 3 && is_octal(at[1]) &&
		               is_octal(at[2]) && is_octal(at[3]);
		if (!is_code) {
			buf_append_byte(scratch, at[0]);
			continue;
		}
		buf_append_byte(scratch,
		        (uint8_t)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0')));
		i += 3;
	}
	return slice_of(scratch->data + from, scratch->len - from);
}

static bool take_number(struct slice field, uint64_t *out)
{
	uint64_t number = 0;
	if (field.len == 0 || field.len > 18)
		return false;
	for (size_t i = 0; i < field.len; i++) {
		if (field.ptr[i] < '0' || field.ptr[i] > '9')
			return false;
		number = number * 10 + (field.ptr[i] - '0');
	}
	*out = number;
	return true;
}

static bool split(struct slice line, struct slice field[FIELDS])
{
	for (unsigned i = 0; i < FIELDS; i++) {
		const uint8_t *space = line.len ? memchr(line.ptr, ' ', line.len) : NULL;
		if (!space)
			return false;
		field[i] = slice_of(line.ptr, (size_t)(space - line.ptr));
		line = slice_of(space + 1, line.len - field[i].len - 1);
	}
	return true;
}

bool mountinfo_next(struct slice *text, struct buf *scratch, struct mount_line *out)
{
	struct slice line, field[FIELDS];
	uint64_t id;
	while (text_take_line(text, &line)) {
		if (!split(line, field) || !take_number(field[0], &id) ||
		        field[FIELD_POINT].len == 0 || field[FIELD_POINT].ptr[0] != '/')
			continue;
		/* Room for both at once: the first must not move when the second is appended. */
		buf_reset(scratch);
		buf_reserve(scratch, field[FIELD_ROOT].len + field[FIELD_POINT].len);
		out->id = id;
		out->root = unescape(field[FIELD_ROOT], scratch);
		out->point = unescape(field[FIELD_POINT], scratch);
		return true;
	}
	return false;
}
