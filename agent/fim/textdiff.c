#include "agent/fim/textdiff.h"

#include <stdlib.h>

#include "common/base/text.h"

#define CONTEXT      3u
#define WORK_MAX     (16 << 20) /* steps of the comparison: some tens of milliseconds */
#define CONTROLS_MAX 2          /* in a hundred bytes of text that is no UTF-8 */

bool textdiff_is_text(struct slice bytes)
{
	size_t controls = 0;
	if (bytes.len == 0)
		return true;
	if (memchr(bytes.ptr, '\0', bytes.len))
		return false;
	if (text_is_utf8(bytes))
		return true;
	for (size_t i = 0; i < bytes.len; i++)
		controls += bytes.ptr[i] < ' ' && !strchr("\t\n\r\f\v\b\033", bytes.ptr[i]);
	return controls <= bytes.len / 100 * CONTROLS_MAX;
}

/* --- what both begin and end with ------------------------------------------------------------- */

static bool begins_line(struct slice text, size_t at, size_t from)
{
	return at == from || text.ptr[at - 1] == '\n';
}

/* The start of the line that is `lines` lines before the one that begins at `at`. */
static size_t lines_back(struct slice text, size_t at, unsigned lines)
{
	while (lines-- > 0 && at > 0) {
		const uint8_t *newline = memrchr(text.ptr, '\n', at - 1);
		at = newline ? (size_t)(newline - text.ptr) + 1 : 0;
	}
	return at;
}

static size_t lines_on(struct slice text, size_t at, unsigned lines)
{
	while (lines-- > 0 && at < text.len) {
		const uint8_t *newline = memchr(text.ptr + at, '\n', text.len - at);
		at = newline ? (size_t)(newline - text.ptr) + 1 : text.len;
	}
	return at;
}

static size_t count_newlines(struct slice text)
{
	size_t count = 0;
	for (size_t at = 0; at < text.len; at = lines_on(text, at, 1))
		count++;
	return count;
}

/* Cuts off the whole lines that both have in common at their two ends, but for the context.
 * Returns how many lines went at the beginning. */
static size_t trim(struct slice *a, struct slice *b)
{
	size_t least = a->len < b->len ? a->len : b->len;
	size_t from = 0, end = 0;
	while (from < least && a->ptr[from] == b->ptr[from])
		from++;
	/* Where one text ends, the line of the other may go on. */
	while (from > 0 && a->ptr[from - 1] != '\n')
		from--;
	while (end < least - from && a->ptr[a->len - 1 - end] == b->ptr[b->len - 1 - end])
		end++;
	while (end > 0 &&
	        !(begins_line(*a, a->len - end, from) && begins_line(*b, b->len - end, from)))
		end--;
	size_t a_end = lines_on(*a, a->len - end, CONTEXT);
	size_t b_end = lines_on(*b, b->len - end, CONTEXT);
	from = lines_back(*a, from, CONTEXT);
	size_t lines = count_newlines(slice_of(a->ptr, from));
	*a = slice_of(a->ptr + from, a_end - from);
	*b = slice_of(b->ptr + from, b_end - from);
	return lines;
}

/* --- lines ------------------------------------------------------------------------------------ */

struct text {
	size_t count;
	struct slice *line;
	uint32_t *class; /* equal lines of both texts have the same number */
	bool *is_changed;
};

static bool split(struct slice bytes, struct arena *arena, struct text *out)
{
	size_t count = count_newlines(bytes), at = 0;
	if (count > TEXTDIFF_LINES_MAX)
		return false;
	out->count = count;
	out->line = arena_alloc(arena, (count + 1) * sizeof(*out->line));
	out->class = arena_alloc(arena, (count + 1) * sizeof(*out->class));
	out->is_changed = arena_alloc_zeroed(arena, count + 1, sizeof(*out->is_changed));
	if (!out->line || !out->class || !out->is_changed)
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t end = lines_on(bytes, at, 1);
		out->line[i] = slice_of(bytes.ptr + at, end - at);
		at = end;
	}
	return true;
}

/* A line to be sorted among all those of both texts. Sorting, unlike hashing, gives nobody who
 * writes the file a way to make it slow. */
struct sorted {
	struct slice line;
	uint32_t *class;
};

static int by_content(const void *a, const void *b)
{
	const struct sorted *left = a, *right = b;
	return slice_compare(left->line, right->line);
}

static bool classify(struct text *a, struct text *b, struct arena *arena)
{
	size_t count = a->count + b->count;
	struct sorted *sorted = arena_alloc(arena, (count + 1) * sizeof(*sorted));
	if (!sorted)
		return false;
	for (size_t i = 0; i < a->count; i++)
		sorted[i] = (struct sorted){a->line[i], &a->class[i]};
	for (size_t i = 0; i < b->count; i++)
		sorted[a->count + i] = (struct sorted){b->line[i], &b->class[i]};
	qsort(sorted, count, sizeof(*sorted), by_content);
	uint32_t class = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && !slice_equal(sorted[i].line, sorted[i - 1].line))
			class ++;
		*sorted[i].class = class;
	}
	return true;
}

/* --- Myers ------------------------------------------------------------------------------------ */

/*
 * How far one gets along each diagonal (line of a minus line of b), from the beginning and from the
 * end, with as few changes as were tried so far. Where the two ways meet the way is cut in two.
 */
struct search {
	struct text *a, *b;
	int32_t *forward; /* by diagonal, from -(lines of b) - 1 to lines of a + 1 */
	int32_t *backward;
	int64_t work_left;
};

struct area {
	int32_t a_from, a_to, b_from, b_to;
};

struct point {
	int32_t a, b;
};

/* The diagonals that one of the two directions has reached. */
struct reach {
	int32_t low, high;
};

static bool has(struct reach reach, int32_t diagonal)
{
	return reach.low <= diagonal && diagonal <= reach.high;
}

/* One diagonal more at each side, as far as there are any; what was not reached yet counts as
 * `nowhere`. */
static void widen(struct reach *reach, const struct area *area, int32_t *at, int32_t nowhere)
{
	if (reach->low > area->a_from - area->b_to)
		at[--reach->low - 1] = nowhere;
	else
		reach->low++;
	if (reach->high < area->a_to - area->b_from)
		at[++reach->high + 1] = nowhere;
	else
		reach->high--;
}

static bool go_forward(struct search *search, const struct area *area, struct reach own,
        struct reach other, bool may_meet, struct point *out)
{
	const uint32_t *a = search->a->class, *b = search->b->class;
	int32_t *at = search->forward;
	for (int32_t d = own.high; d >= own.low; d -= 2) {
		int32_t x = at[d - 1] < at[d + 1] ? at[d + 1] : at[d - 1] + 1, began = x;
		while (x < area->a_to && x - d < area->b_to && a[x] == b[x - d])
			x++;
		at[d] = x;
		search->work_left -= x - began + 1;
		if (may_meet && has(other, d) && search->backward[d] <= x) {
			*out = (struct point){x, x - d};
			return true;
		}
	}
	return false;
}

static bool go_backward(struct search *search, const struct area *area, struct reach own,
        struct reach other, bool may_meet, struct point *out)
{
	const uint32_t *a = search->a->class, *b = search->b->class;
	int32_t *at = search->backward;
	for (int32_t d = own.high; d >= own.low; d -= 2) {
		int32_t x = at[d - 1] < at[d + 1] ? at[d - 1] : at[d + 1] - 1, began = x;
		while (x > area->a_from && x - d > area->b_from && a[x - 1] == b[x - d - 1])
			x--;
		at[d] = x;
		search->work_left -= began - x + 1;
		if (may_meet && has(other, d) && x <= search->forward[d]) {
			*out = (struct point){x, x - d};
			return true;
		}
	}
	return false;
}

/* False: it takes too long. */
static bool find_middle(struct search *search, const struct area *area, struct point *out)
{
	int32_t first = area->a_from - area->b_from, last = area->a_to - area->b_to;
	struct reach forward = {first, first}, backward = {last, last};
	bool is_odd = (first - last) & 1;
	search->forward[first] = area->a_from;
	search->backward[last] = area->a_to;
	while (search->work_left > 0) {
		widen(&forward, area, search->forward, -1);
		if (go_forward(search, area, forward, backward, is_odd, out))
			return true;
		widen(&backward, area, search->backward, INT32_MAX);
		if (go_backward(search, area, backward, forward, !is_odd, out))
			return true;
	}
	return false;
}

static void replace(struct search *search, const struct area *area)
{
	for (int32_t i = area->a_from; i < area->a_to; i++)
		search->a->is_changed[i] = true;
	for (int32_t i = area->b_from; i < area->b_to; i++)
		search->b->is_changed[i] = true;
}

/* Each half needs half of the changes, so that it goes no deeper than their logarithm. */
static void compare(struct search *search, struct area area) // NOLINT(misc-no-recursion)
{
	const uint32_t *a = search->a->class, *b = search->b->class;
	struct point middle;
	while (area.a_from < area.a_to && area.b_from < area.b_to &&
	        a[area.a_from] == b[area.b_from]) {
		area.a_from++;
		area.b_from++;
	}
	while (area.a_from < area.a_to && area.b_from < area.b_to &&
	        a[area.a_to - 1] == b[area.b_to - 1]) {
		area.a_to--;
		area.b_to--;
	}
	if (area.a_from == area.a_to || area.b_from == area.b_to ||
	        !find_middle(search, &area, &middle)) {
		replace(search, &area);
		return;
	}
	compare(search, (struct area){area.a_from, middle.a, area.b_from, middle.b});
	compare(search, (struct area){middle.a, area.a_to, middle.b, area.b_to});
}

static bool find_changes(struct text *a, struct text *b, struct arena *arena)
{
	size_t diagonals = a->count + b->count + 3;
	struct search search = {.a = a, .b = b, .work_left = WORK_MAX};
	int32_t *ways = arena_alloc(arena, 2 * diagonals * sizeof(*ways));
	if (!ways)
		return false;
	search.forward = ways + b->count + 1;
	search.backward = search.forward + diagonals;
	compare(&search, (struct area){0, (int32_t)a->count, 0, (int32_t)b->count});
	return true;
}

/* --- hunks ------------------------------------------------------------------------------------ */

/* Lines [a, a_end) of the one become [b, b_end) of the other. */
struct span {
	size_t a, a_end, b, b_end;
};

/* The next change at or behind the place where the last one ended. */
static bool next_change(const struct text *a, const struct text *b, struct span *change)
{
	size_t i = change->a_end, j = change->b_end;
	while (i < a->count && j < b->count && !a->is_changed[i] && !b->is_changed[j]) {
		i++;
		j++;
	}
	*change = (struct span){i, i, j, j};
	while (change->a_end < a->count && a->is_changed[change->a_end])
		change->a_end++;
	while (change->b_end < b->count && b->is_changed[change->b_end])
		change->b_end++;
	return change->a_end > i || change->b_end > j;
}

static void put_lines(struct buf *out, char mark, const struct text *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct slice line = text->line[i];
		buf_append_byte(out, (uint8_t)mark);
		buf_append_slice(out, line);
		if (line.ptr[line.len - 1] != '\n')
			buf_append_text(out, "\n\\ No newline at end of file\n");
	}
}

/* POSIX diff, unified format: a count of 1 is left out, and a range without lines is named by the
 * line before it. */
static void put_range(struct buf *out, char mark, size_t from, size_t count)
{
	buf_printf(out, " %c%zu", mark, count ? from + 1 : from);
	if (count != 1)
		buf_printf(out, ",%zu", count);
}

/* From the change at hand on, all that are so close that their contexts meet. */
static bool put_hunk(const struct text *a, const struct text *b, size_t skipped,
        struct span *change, struct buf *out)
{
	size_t before = change->a < CONTEXT ? change->a : CONTEXT;
	struct span hunk = *change, next = *change;
	bool has_next;
	while ((has_next = next_change(a, b, &next)) && next.a - hunk.a_end <= (size_t)2 * CONTEXT)
		hunk.a_end = next.a_end, hunk.b_end = next.b_end;
	size_t after = a->count - hunk.a_end < CONTEXT ? a->count - hunk.a_end : CONTEXT;
	struct span all = {
	        hunk.a - before, hunk.a_end + after, hunk.b - before, hunk.b_end + after};
	buf_append_text(out, "@@");
	put_range(out, '-', skipped + all.a, all.a_end - all.a);
	put_range(out, '+', skipped + all.b, all.b_end - all.b);
	buf_append_text(out, " @@\n");
	size_t shown = all.a;
	for (struct span at = *change; at.a < hunk.a_end || at.b < hunk.b_end;) {
		put_lines(out, ' ', a, shown, at.a);
		put_lines(out, '-', a, at.a, at.a_end);
		put_lines(out, '+', b, at.b, at.b_end);
		shown = at.a_end;
		if (!next_change(a, b, &at))
			break;
	}
	put_lines(out, ' ', a, shown, all.a_end);
	*change = next;
	return has_next;
}

enum diff_gap textdiff(struct slice before, struct slice after, size_t most_bytes,
        struct arena *scratch, struct buf *out)
{
	struct text a, b;
	struct span change = {0};
	size_t began = out->len;
	size_t skipped = trim(&before, &after);
	if (!split(before, scratch, &a) || !split(after, scratch, &b) ||
	        !classify(&a, &b, scratch) || !find_changes(&a, &b, scratch))
		return DIFF_TOO_LARGE;
	bool has_change = next_change(&a, &b, &change);
	while (has_change && out->len - began <= most_bytes)
		has_change = put_hunk(&a, &b, skipped, &change, out);
	if (out->len - began <= most_bytes)
		return DIFF_NOT_ASKED;
	out->len = began;
	return DIFF_TOO_LARGE;
}
