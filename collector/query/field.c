#include "collector/query/field.h"

#include "common/base/text.h"

static const struct query_field_row rows[] = {
        {"package", FIELD_PACKAGE, SHAPE_PACKAGE, true},
        {"version", FIELD_VERSION, SHAPE_ORDER, true},
        {"os", FIELD_OS, SHAPE_TEXT, true},
        {"kernel", FIELD_KERNEL, SHAPE_ORDER, true},
        {"host", FIELD_HOST, SHAPE_TEXT, true},
        {"arch", FIELD_ARCH, SHAPE_TEXT, true},
        {"label.K", FIELD_LABEL, SHAPE_TEXT, true},
        {"path", FIELD_PATH, SHAPE_TEXT, false},
        {"actor", FIELD_ACTOR, SHAPE_TEXT, false},
        {"user", FIELD_USER, SHAPE_TEXT, false},
        {"explained", FIELD_EXPLAINED, SHAPE_WORDS, false},
        {"action", FIELD_ACTION, SHAPE_WORDS, false},
        {"kind", FIELD_KIND, SHAPE_WORDS, false},
        {"cause", FIELD_CAUSE, SHAPE_WORDS, false},
        {"seq", FIELD_SEQ, SHAPE_NUMBER, false},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

const char *query_show(struct slice text, struct query_shown *shown)
{
	struct buf escaped = BUF_INIT;
	bool is_cut = text.len > SHOWN_BYTES;
	text_append_display(&escaped, slice_of(text.ptr, is_cut ? SHOWN_BYTES : text.len));
	size_t len = escaped.len < sizeof(shown->text) - 4 ? escaped.len : sizeof(shown->text) - 4;
	if (len)
		memcpy(shown->text, escaped.data, len);
	memcpy(shown->text + len, is_cut ? "..." : "", is_cut ? 4 : 1);
	buf_fini(&escaped);
	return shown->text;
}

const char *query_field_name(enum query_field field)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].field == field)
			return rows[i].name;
	return NULL;
}

static bool row_is_known(enum query_about about, const struct query_field_row *row)
{
	return row->is_for_hosts || about == QUERY_EVENTS;
}

/* Levenshtein's distance, for names of at most 15 bytes. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned row[16];
	if (a.len > 15 || b.len > 15)
		return 16;
	for (unsigned j = 0; j <= b.len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned least = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < least)
				least = row[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			row[j] = least;
		}
	}
	return row[b.len];
}

static const struct query_field_row *nearest_row(enum query_about about, struct slice name)
{
	const struct query_field_row *nearest = NULL;
	unsigned least = 3;
	for (size_t i = 0; i < ROWS; i++) {
		unsigned far = distance(name, slice_text(rows[i].name));
		if (row_is_known(about, &rows[i]) && far < least && far < name.len) {
			nearest = &rows[i];
			least = far;
		}
	}
	return nearest;
}

struct node *query_field_complain(struct parser *parser, size_t at, struct slice name)
{
	struct query_shown shown;
	struct buf list = BUF_INIT;
	for (size_t i = 0; i < ROWS; i++)
		if (row_is_known(parser->about, &rows[i]))
			buf_printf(&list, "%s%s", list.len ? ", " : "", rows[i].name);
	const struct query_field_row *nearest = nearest_row(parser->about, name);
	const char *names = buf_text(&list);
	if (nearest)
		parser_complain(parser, at,
		        "unknown field '%s', did you mean '%s'? The fields are %s",
		        query_show(name, &shown), nearest->name, names);
	else
		parser_complain(parser, at,
		        "unknown field '%s': the fields are %s (text with "
		        ":, <, > or = in it goes in quotes)",
		        query_show(name, &shown), names);
	buf_fini(&list);
	return NULL;
}

const struct query_field_row *query_field_find(enum query_about about, struct slice name)
{
	if (name.len > strlen(QUERY_LABEL_PREFIX) &&
	        slice_starts_with(name, slice_text(QUERY_LABEL_PREFIX)))
		name = slice_text("label.K");
	else if (slice_is(name, "label.K"))
		return NULL;
	for (size_t i = 0; i < ROWS; i++)
		if (slice_is(name, rows[i].name))
			return row_is_known(about, &rows[i]) ? &rows[i] : NULL;
	return NULL;
}
