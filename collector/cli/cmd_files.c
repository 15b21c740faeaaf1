#include "collector/cli/cli.h"

static const struct option_row ROWS[] = {CLI_COMMON_ROWS};

static bool cell_owner(const json_t *line, const char *key, struct buf *out)
{
	(void)key;
	if (!cli_cell_text(line, "owner", out))
		cli_cell_text(line, "uid", out);
	buf_append_byte(out, ':');
	if (!cli_cell_text(line, "group", out))
		cli_cell_text(line, "gid", out);
	return true;
}

static bool cell_short_hash(const json_t *line, const char *key, struct buf *out)
{
	const char *text = json_string_value(json_object_get(line, key));

	if (!text)
		return false;
	buf_append(out, text, strlen(text) < 12 ? strlen(text) : 12);
	return true;
}

/* "/a/link -> target" */
static bool cell_path(const json_t *line, const char *key, struct buf *out)
{
	const char *target = json_string_value(json_object_get(line, "target"));

	if (!cli_cell_text(line, key, out))
		return false;
	if (target)
		buf_printf(out, " -> %s", target);
	return true;
}

static const struct cli_field TABLE_FIELDS[] = {
        {.column = {"type", 9, false}, .key = "type"},
        {.column = {"mode", 4, false}, .key = "mode"},
        {.column = {"owner", 15, false}, .cell = cell_owner},
        {.column = {"size", 10, true}, .key = "size"},
        {.column = {"mtime", 19, false}, .key = "mtime", .cell = cli_cell_time},
        {.column = {"sha256", 12, false}, .key = "sha256", .cell = cell_short_hash},
        {.column = {"path", 0, false}, .key = "path", .cell = cell_path},
        {.column = {0}},
};

static const struct cli_field CSV_FIELDS[] = {
        {.column = {"path", 0, false}, .key = "path"},
        {.column = {"type", 0, false}, .key = "type"},
        {.column = {"mode", 0, false}, .key = "mode"},
        {.column = {"uid", 0, false}, .key = "uid"},
        {.column = {"gid", 0, false}, .key = "gid"},
        {.column = {"owner", 0, false}, .key = "owner"},
        {.column = {"group", 0, false}, .key = "group"},
        {.column = {"size", 0, false}, .key = "size"},
        {.column = {"mtime", 0, false}, .key = "mtime"},
        {.column = {"sha256", 0, false}, .key = "sha256"},
        {.column = {"target", 0, false}, .key = "target"},
        {.column = {0}},
};

static int run_files(struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	struct buf path = BUF_INIT;

	buf_append_text(&path, "/api/v1/files");
	client_add_param(&path, "host", words->item[0]);
	client_add_param(&path, "prefix", words->count > 1 ? words->item[1] : NULL);
	int rc = cli_list(
	        cli, buf_text(&path), cli->format == CLI_CSV ? CSV_FIELDS : TABLE_FIELDS, out_why);
	buf_fini(&path);
	return rc;
}

const struct cli_command cmd_files = {
        .name = "files",
        .synopsis = "tsujiban files HOST [PATH-PREFIX]",
        .about =
                "Lists the collector's picture of a host's files: PATH-PREFIX and what lies below.",
        .rows = ROWS,
        .least_words = 1,
        .most_words = 2,
        .run = run_files,
};
