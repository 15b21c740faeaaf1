#include "collector/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/text.h"

struct cli_common cli_common;

/* --- output -------------------------------------------------------------------------------- */

static int fail_to_write(struct reason *out_why)
{
	int error = errno;

	/* libcurl ignores the signal while it is at work, so that only the error comes here. */
	if (error == EPIPE) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	return fail(out_why, -error, "cannot write the output: %s", err_text(-error));
}

int cli_write(struct slice bytes, struct reason *out_why)
{
	if (bytes.len > 0 && fwrite(bytes.ptr, 1, bytes.len, stdout) != bytes.len)
		return fail_to_write(out_why);
	return 0;
}

int cli_flush(struct reason *out_why)
{
	return fflush(stdout) == 0 ? 0 : fail_to_write(out_why);
}

/* --- cells --------------------------------------------------------------------------------- */

static void append_pairs(const json_t *object, struct buf *out)
{
	const char *name;
	json_t *value;
	bool is_first = true;

	json_object_foreach((json_t *)object, name, value)
	{
		buf_printf(out, "%s%s=", is_first ? "" : " ", name);
		buf_append_text(out, json_is_string(value) ? json_string_value(value) : "?");
		is_first = false;
	}
}

static bool append_value(const json_t *value, struct buf *out)
{
	if (json_is_string(value))
		buf_append(out, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		buf_printf(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		buf_append_text(out, json_is_true(value) ? "yes" : "no");
	else if (json_is_object(value) && json_object_size(value) > 0)
		append_pairs(value, out);
	else if (json_is_array(value) && json_array_size(value) > 0) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			if (i > 0)
				buf_append_text(out, ", ");
			append_value(json_array_get(value, i), out);
		}
	} else
		return false;
	return true;
}

bool cli_cell_text(const json_t *line, const char *key, struct buf *out)
{
	return append_value(json_object_get(line, key), out);
}

/* "2026-11-22T10:00:00.123456Z" -> "2026-11-22 10:00:00" */
bool cli_cell_time(const json_t *line, const char *key, struct buf *out)
{
	const char *text = json_string_value(json_object_get(line, key));

	if (!text || strlen(text) < 19)
		return false;
	buf_append(out, text, 10);
	buf_append_byte(out, ' ');
	buf_append(out, text + 11, 8);
	return true;
}

const char *cli_color_state(const json_t *line)
{
	const char *state = json_string_value(json_object_get(line, "state"));

	if (!state)
		return NULL;
	return strcmp(state, "connected") == 0 ? "32" : strcmp(state, "offline") == 0 ? "33" : "31";
}

/* --- listings ------------------------------------------------------------------------------ */

void cli_listing_init(struct cli_listing *listing, struct cli *cli, const struct cli_field *fields,
        struct reason *out_why)
{
	size_t count = 0;

	*listing = (struct cli_listing){.cli = cli, .fields = fields, .out_why = out_why};
	for (; count < TABLE_COLUMNS_MAX && fields[count].column.title; count++)
		listing->columns[count] = fields[count].column;
	listing->table = (struct table){
	        .columns = listing->columns,
	        .count = count,
	        .is_csv = cli->format == CLI_CSV,
	        .has_color = cli->has_color,
	        .is_escaped = cli->is_terminal,
	};
}

static void fill_cells(struct cli_listing *listing, const json_t *line, struct buf *texts,
        struct table_cell *cells)
{
	for (size_t i = 0; i < listing->table.count; i++) {
		const struct cli_field *field = &listing->fields[i];
		buf_init(&texts[i]);
		bool has_text = field->cell ? field->cell(line, field->key, &texts[i])
		                            : cli_cell_text(line, field->key, &texts[i]);
		cells[i].text = has_text ? slice_text(buf_text(&texts[i])) : slice_of(NULL, 0);
		cells[i].color = field->color ? field->color(line) : NULL;
	}
}

static int show_row(struct cli_listing *listing, const json_t *line)
{
	struct table_cell cells[TABLE_COLUMNS_MAX];
	struct buf texts[TABLE_COLUMNS_MAX], out = BUF_INIT;

	fill_cells(listing, line, texts, cells);
	table_row(&listing->table, cells, &out);
	int rc = cli_write(buf_slice(&out), listing->out_why);
	buf_fini(&out);
	for (size_t i = 0; i < listing->table.count; i++)
		buf_fini(&texts[i]);
	return rc;
}

static int show_json(struct slice line, struct reason *out_why)
{
	int rc = cli_write(line, out_why);

	return rc < 0 ? rc : cli_write(slice_text("\n"), out_why);
}

json_t *cli_parse_object(struct slice line, struct reason *out_why)
{
	json_t *object = json_loadb((const char *)line.ptr, line.len, JSON_ALLOW_NUL, NULL);

	if (json_is_object(object))
		return object;
	json_decref(object);
	fail(out_why, ERR_FORMAT, "cannot read the collector's answer: a line is no JSON object");
	return NULL;
}

int cli_listing_line(void *ctx, struct slice line)
{
	struct cli_listing *listing = ctx;
	int rc;

	if (listing->cli->format == CLI_JSON) {
		rc = show_json(line, listing->out_why);
	} else {
		json_t *object = cli_parse_object(line, listing->out_why);
		rc = object ? show_row(listing, object) : ERR_FORMAT;
		json_decref(object);
	}
	return rc == 0 && listing->flushes ? cli_flush(listing->out_why) : rc;
}

int cli_list(
        struct cli *cli, const char *path, const struct cli_field *fields, struct reason *out_why)
{
	struct cli_listing listing;
	struct buf head = BUF_INIT;

	cli_listing_init(&listing, cli, fields, out_why);
	int rc = client_get(cli->client, path, cli_listing_line, &listing, out_why);
	if (rc == 0 && cli->format != CLI_JSON) {
		table_head(&listing.table, &head);
		rc = cli_write(buf_slice(&head), out_why);
	}
	buf_fini(&head);
	return rc;
}

/* --- one object ---------------------------------------------------------------------------- */

static int show_members(struct cli_listing *listing, const char *prefix, const json_t *object)
{
	struct buf name = BUF_INIT, text = BUF_INIT, out = BUF_INIT;
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach((json_t *)object, key, value)
	{
		buf_reset(&name);
		buf_printf(&name, "%s%s%s", prefix, *prefix ? "." : "", key);
		if (json_is_object(value)) {
			rc = show_members(listing, buf_text(&name), value);
		} else {
			struct table_cell cells[2] = {{.text = buf_slice(&name), .color = "1"}};
			buf_reset(&text);
			buf_reset(&out);
			if (append_value(value, &text))
				cells[1].text = slice_text(buf_text(&text));
			table_row(&listing->table, cells, &out);
			rc = cli_write(buf_slice(&out), listing->out_why);
		}
		if (rc < 0)
			break;
	}
	buf_fini(&name);
	buf_fini(&text);
	buf_fini(&out);
	return rc;
}

int cli_revoke(struct cli *cli, const char *collection, const char *what,
        const struct cli_field *fields, struct reason *out_why)
{
	struct cli_listing listing;
	struct buf path = BUF_INIT;

	buf_append_text(&path, collection);
	client_add_part(&path, what);
	buf_append_text(&path, "/revoke");
	cli_listing_init(&listing, cli, fields, out_why);
	int rc = client_post(cli->client, buf_text(&path), slice_text("{}"), cli_listing_line,
	        &listing, out_why);
	buf_fini(&path);
	return rc;
}

int cli_object_line(void *ctx, struct slice line)
{
	static const struct table_column columns[] = {{"key", 20, false}, {"value", 0, false}};
	struct cli_listing *listing = ctx;

	if (listing->cli->format == CLI_JSON)
		return show_json(line, listing->out_why);
	json_t *object = cli_parse_object(line, listing->out_why);
	if (!object)
		return ERR_FORMAT;
	listing->table.columns = columns;
	listing->table.count = 2;
	/* A person sees what is what without a head. */
	listing->table.has_head |= listing->cli->format == CLI_TABLE;
	int rc = show_members(listing, "", object);
	json_decref(object);
	return rc;
}

char *cli_join(const struct option_list *words)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < words->count; i++) {
		if (i > 0)
			buf_append_byte(&text, ' ');
		buf_append_text(&text, words->item[i]);
	}
	buf_text(&text);
	return (char *)text.data;
}
