/* Applies a unified diff without fuzz: every line that it names has to be there. */
#ifndef TSUJIBAN_TESTS_AGENT_FIM_PATCH_H
#define TSUJIBAN_TESTS_AGENT_FIM_PATCH_H

#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"

static inline struct slice take_line(struct slice *rest)
{
	const uint8_t *newline = memchr(rest->ptr, '\n', rest->len);
	size_t len = newline ? (size_t)(newline - rest->ptr) + 1 : rest->len;
	struct slice line = slice_of(rest->ptr, len);
	*rest = slice_of(rest->ptr + len, rest->len - len);
	return line;
}

struct patching {
	struct slice before; /* what is left of it */
	size_t line;         /* how many lines were taken */
	struct buf *out;
};

static inline bool copy_up_to(struct patching *patching, size_t line)
{
	while (patching->line < line) {
		if (patching->before.len == 0)
			return false;
		buf_append_slice(patching->out, take_line(&patching->before));
		patching->line++;
	}
	return true;
}

static inline bool read_header(struct slice line, size_t range[4])
{
	char text[128];
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(line));
	char *at = text;
	for (int i = 0; i < 4; i += 2) {
		at = strpbrk(at, "-+");
		if (!at)
			return false;
		range[i] = strtoul(at + 1, &at, 10);
		range[i + 1] = *at == ',' ? strtoul(at + 1, &at, 10) : 1;
	}
	return true;
}

/* A line of the diff without its mark, and without the newline that the text does not have. */
static inline struct slice content(struct slice line, struct slice *rest)
{
	struct slice bytes = slice_of(line.ptr + 1, line.len - 1);
	if (rest->len > 0 && rest->ptr[0] == '\\') {
		take_line(rest);
		bytes.len--;
	}
	return bytes;
}

static inline bool apply_hunk(struct patching *patching, struct slice *diff)
{
	size_t range[4], old = 0, new = 0;
	if (!read_header(take_line(diff), range))
		return false;
	if (!copy_up_to(patching, range[1] ? range[0] - 1 : range[0]))
		return false;
	while (diff->len > 0 && diff->ptr[0] != '@') {
		struct slice line = take_line(diff);
		char mark = (char)line.ptr[0];
		struct slice bytes = content(line, diff);
		if (mark != '+') {
			if (!slice_equal(take_line(&patching->before), bytes))
				return false;
			patching->line++;
			old++;
		}
		if (mark != '-') {
			buf_append_slice(patching->out, bytes);
			new ++;
		}
	}
	return old == range[1] && new == range[3];
}

static inline bool patch_applies(struct slice before, struct slice diff, struct buf *out)
{
	struct patching patching = {.before = before, .out = out};
	while (diff.len > 0)
		if (!apply_hunk(&patching, &diff))
			return false;
	return copy_up_to(&patching, SIZE_MAX) || patching.before.len == 0;
}

#endif
