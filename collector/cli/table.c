#include "collector/cli/table.h"

#include "common/base/text.h"

#define GAP "  "

/* Characters as a terminal counts them, but for wide and combining ones. */
static size_t count_characters(struct slice text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += (text.ptr[i] & 0xc0) != 0x80;
	return count;
}

static void append_spaces(struct buf *out, size_t count)
{
	while (count-- > 0)
		buf_append_byte(out, ' ');
}

/* --- for people ---------------------------------------------------------------------------- */

static void append_padded(struct buf *out, const struct table_column *column, bool is_last,
        struct slice shown, const char *color)
{
	size_t used = count_characters(shown);
	size_t padding = column->width > used ? column->width - used : 0;

	if (column->is_number)
		append_spaces(out, padding);
	if (color)
		buf_printf(out, "\033[%sm", color);
	buf_append_slice(out, shown);
	if (color)
		buf_append_text(out, "\033[0m");
	if (is_last)
		return;
	if (!column->is_number)
		append_spaces(out, padding);
	buf_append_text(out, GAP);
}

static void append_table_row(
        const struct table *table, const struct table_cell *cells, struct buf *out)
{
	struct buf shown = BUF_INIT;

	for (size_t i = 0; i < table->count; i++) {
		buf_reset(&shown);
		if (cells[i].text.ptr)
			text_append_display(&shown, cells[i].text);
		else
			buf_append_byte(&shown, '-');
		append_padded(out, &table->columns[i], i + 1 == table->count, buf_slice(&shown),
		        table->has_color ? cells[i].color : NULL);
	}
	buf_append_byte(out, '\n');
	buf_fini(&shown);
}

static void append_table_head(const struct table *table, struct buf *out)
{
	struct buf title = BUF_INIT;

	for (size_t i = 0; i < table->count; i++) {
		buf_reset(&title);
		for (const char *c = table->columns[i].title; *c; c++)
			buf_append_byte(&title, (uint8_t)(*c == '_'                ? ' '
			                                  : *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A'
			                                                           : *c));
		append_padded(out, &table->columns[i], i + 1 == table->count, buf_slice(&title),
		        table->has_color ? "1" : NULL);
	}
	buf_append_byte(out, '\n');
	buf_fini(&title);
}

/* --- for spreadsheets ---------------------------------------------------------------------- */

static bool needs_quotes(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (strchr(",\"\r\n", text.ptr[i]))
			return true;
	return false;
}

static void append_csv_cell(struct buf *out, struct slice text)
{
	if (!needs_quotes(text)) {
		buf_append_slice(out, text);
		return;
	}
	buf_append_byte(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			buf_append_byte(out, '"');
		buf_append_byte(out, text.ptr[i]);
	}
	buf_append_byte(out, '"');
}

static void append_csv_row(
        const struct table *table, const struct table_cell *cells, struct buf *out)
{
	struct buf shown = BUF_INIT;

	for (size_t i = 0; i < table->count; i++) {
		if (i > 0)
			buf_append_byte(out, ',');
		buf_reset(&shown);
		if (table->is_escaped)
			text_append_display(&shown, cells[i].text);
		append_csv_cell(out, table->is_escaped ? buf_slice(&shown) : cells[i].text);
	}
	buf_append_text(out, "\r\n");
	buf_fini(&shown);
}

static void append_csv_head(const struct table *table, struct buf *out)
{
	for (size_t i = 0; i < table->count; i++)
		buf_printf(out, "%s%s", i > 0 ? "," : "", table->columns[i].title);
	buf_append_text(out, "\r\n");
}

/* ------------------------------------------------------------------------------------------- */

void table_head(struct table *table, struct buf *out)
{
	if (table->has_head)
		return;
	table->has_head = true;
	if (table->is_csv)
		append_csv_head(table, out);
	else
		append_table_head(table, out);
}

void table_row(struct table *table, const struct table_cell *cells, struct buf *out)
{
	table_head(table, out);
	if (table->is_csv)
		append_csv_row(table, cells, out);
	else
		append_table_row(table, cells, out);
}
