/*
 * Matching never goes back further than the last star: everything that an earlier star could give
 * up, the last one can give up too. That is what bounds the time.
 */
#include "common/base/glob.h"

/* Takes one byte of a bracket expression, escaped or not. */
static bool take_member(struct slice *in, uint8_t *out)
{
	size_t at = in->len > 0 && in->ptr[0] == '\\' ? 1 : 0;
	if (in->len <= at)
		return false;
	*out = in->ptr[at];
	in->ptr += at + 1;
	in->len -= at + 1;
	return true;
}

/* `*in` begins with '['. Takes the bracket expression and tells whether `byte` is of it; false,
 * when it is unclosed. A ']' that comes first is a member, as in glob(7). */
static bool take_bracket(struct slice *in, uint8_t byte, bool *out_is_member)
{
	struct slice rest = slice_of(in->ptr + 1, in->len - 1);
	bool is_negated = rest.len > 0 && (rest.ptr[0] == '!' || rest.ptr[0] == '^');
	if (is_negated) {
		rest.ptr++;
		rest.len--;
	}
	bool is_member = false;
	for (bool is_first = true;; is_first = false) {
		if (!is_first && rest.len > 0 && rest.ptr[0] == ']')
			break;
		uint8_t low, high;
		if (!take_member(&rest, &low))
			return false;
		high = low;
		bool is_range = rest.len > 1 && rest.ptr[0] == '-' && rest.ptr[1] != ']';
		if (is_range) {
			rest.ptr++;
			rest.len--;
			if (!take_member(&rest, &high))
				return false;
		}
		is_member |= byte >= low && byte <= high;
	}
	*in = slice_of(rest.ptr + 1, rest.len - 1);
	*out_is_member = is_member != is_negated;
	return true;
}

/* Takes the first element of the pattern, no star, and tells whether it stands for `byte`. */
static bool take_element(struct slice *pattern, uint8_t byte)
{
	bool is_match;
	uint8_t want = pattern->ptr[0];
	if (want == '[')
		return take_bracket(pattern, byte, &is_match) && is_match;
	if (want == '\\') {
		uint8_t literal;
		return take_member(pattern, &literal) && literal == byte;
	}
	pattern->ptr++;
	pattern->len--;
	return want == '?' || want == byte;
}

bool glob_is_valid(struct slice pattern)
{
	while (pattern.len > 0) {
		bool ignored;
		uint8_t literal;
		bool is_whole = true;
		if (pattern.ptr[0] == '[')
			is_whole = take_bracket(&pattern, 0, &ignored);
		else
			is_whole = take_member(&pattern, &literal);
		if (!is_whole)
			return false;
	}
	return true;
}

bool glob_has_magic(struct slice pattern)
{
	for (size_t i = 0; i < pattern.len; i++) {
		uint8_t byte = pattern.ptr[i];
		if (byte == '*' || byte == '?' || byte == '[')
			return true;
		if (byte == '\\')
			i++;
	}
	return false;
}

bool glob_matches(struct slice pattern, struct slice text)
{
	/* Refused first: looking for the missing end at each '[' would take quadratic time. */
	if (!glob_is_valid(pattern))
		return false;
	struct slice behind_star = {0}, text_at_star = {0};
	while (text.len > 0 || pattern.len > 0) {
		if (pattern.len > 0 && pattern.ptr[0] == '*') {
			behind_star = pattern = slice_of(pattern.ptr + 1, pattern.len - 1);
			text_at_star = text;
			continue;
		}
		if (pattern.len > 0 && text.len > 0 && take_element(&pattern, text.ptr[0])) {
			text = slice_of(text.ptr + 1, text.len - 1);
			continue;
		}
		if (!behind_star.ptr || text_at_star.len == 0)
			return false;
		text_at_star = slice_of(text_at_star.ptr + 1, text_at_star.len - 1);
		text = text_at_star;
		pattern = behind_star;
	}
	return true;
}

/* What is left of a path, component by component; an absent rest is the end. "a/" has two
 * components, the second empty; "" has one. */
static struct slice take_component(struct slice *rest)
{
	const uint8_t *slash = rest->len ? memchr(rest->ptr, '/', rest->len) : NULL;
	struct slice component = *rest;
	if (!slash) {
		*rest = (struct slice){0};
		return component;
	}
	component.len = (size_t)(slash - rest->ptr);
	*rest = slice_of(slash + 1, rest->len - component.len - 1);
	return component;
}

bool glob_matches_path(struct slice pattern, struct slice path)
{
	if (!pattern.ptr || !path.ptr)
		return pattern.len == 0 && path.len == 0;
	struct slice behind_stars = {0}, path_at_stars = {0};
	while (pattern.ptr || path.ptr) {
		struct slice pattern_rest = pattern, path_rest = path;
		if (pattern.ptr && slice_is(take_component(&pattern_rest), "**")) {
			if (!pattern_rest.ptr) /* the last: everything inside, so something has to
			                          be */
				return path.ptr != NULL;
			behind_stars = pattern = pattern_rest;
			path_at_stars = path;
			continue;
		}
		pattern_rest = pattern;
		if (pattern.ptr && path.ptr &&
		        glob_matches(take_component(&pattern_rest), take_component(&path_rest))) {
			pattern = pattern_rest;
			path = path_rest;
			continue;
		}
		if (!behind_stars.ptr || !path_at_stars.ptr)
			return false;
		take_component(&path_at_stars);
		path = path_at_stars;
		pattern = behind_stars;
	}
	return true;
}
