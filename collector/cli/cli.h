/*
 * cli - what the commands of `tsujiban` share: options, output, and listings of JSON lines.
 *
 * A command is a row of main.c's table and a file of its own. It asks through cli->client and shows
 * what comes line by line: unchanged as JSON, or as a table or CSV by a list of fields.
 *
 * Errors   ERR_CONFIG is wrong use (exit status 2), all others failure (1).
 */
#ifndef TSUJIBAN_COLLECTOR_CLI_CLI_H
#define TSUJIBAN_COLLECTOR_CLI_CLI_H

#include <jansson.h>

#include "collector/cli/client.h"
#include "collector/cli/table.h"
#include "common/codec/option.h"

enum cli_format { CLI_TABLE, CLI_JSON, CLI_CSV };

/* Every command has these; here because the rows of options need addresses. */
struct cli_common {
	const char *server, *token_file, *ca, *format;
};
extern struct cli_common cli_common;

/* clang-format off */
#define CLI_COMMON_ROWS \
	{.name = "server", .value = "HOST:PORT", .out_text = &cli_common.server, \
		.help = "the collector's API"}, \
	{.name = "token-file", .value = "FILE", .out_text = &cli_common.token_file, \
		.help = "file with the API token"}, \
	{.name = "ca", .value = "FILE", .out_text = &cli_common.ca, \
		.help = "the collector's CA (PEM)"}, \
	{.name = "format", .value = "FORMAT", .out_text = &cli_common.format, \
		.help = "table, json or csv"}, \
	{.name = NULL}
/* clang-format on */

struct cli {
	struct settings settings;
	struct client *client;
	enum cli_format format;
	bool has_color;
	bool is_terminal;
};

struct cli_command {
	const char *name; /* "token create" */
	const char *synopsis;
	const char *about;
	const struct option_row *rows;
	size_t least_words, most_words;
	int (*run)(struct cli *cli, const struct option_list *words, struct reason *out_why);
};

extern const struct cli_command cmd_token_create, cmd_token_list, cmd_token_revoke, cmd_hosts,
        cmd_host, cmd_revoke, cmd_search, cmd_packages, cmd_facts, cmd_files, cmd_events,
        cmd_status;

/* --- output -------------------------------------------------------------------------------- */

/* A closed pipe ends the program quietly, as SIGPIPE does. */
int cli_write(struct slice bytes, struct reason *out_why);
int cli_flush(struct reason *out_why);

/* --- listings ------------------------------------------------------------------------------ */

/* How a field of the line becomes a cell. */
struct cli_field {
	struct table_column column;
	const char *key; /* of the line; NULL: by `cell` alone */
	/* Appends the cell's text; false: there is none. NULL: the member as text. */
	bool (*cell)(const json_t *line, const char *key, struct buf *out);
	const char *(*color)(const json_t *line); /* may be NULL */
};

struct cli_listing {
	struct cli *cli;
	struct table table;
	struct table_column columns[TABLE_COLUMNS_MAX];
	const struct cli_field *fields;
	struct reason *out_why;
	bool flushes; /* each line at once */
};

/* `fields` ends with one whose column has no title. */
void cli_listing_init(struct cli_listing *listing, struct cli *cli, const struct cli_field *fields,
        struct reason *out_why);
/* For client_get: shows one line. */
int cli_listing_line(void *ctx, struct slice line);
/* Asks and shows all. */
int cli_list(
        struct cli *cli, const char *path, const struct cli_field *fields, struct reason *out_why);
/* Has `what` of `collection` ("/api/v1/hosts/") revoked, and shows the answer. */
int cli_revoke(struct cli *cli, const char *collection, const char *what,
        const struct cli_field *fields, struct reason *out_why);
/* Asks for one object and shows its members one below the other: for client_get and client_post. */
int cli_object_line(void *ctx, struct slice line);
/* A line of the answer; NULL with the sentence when it is no object. The caller's. */
json_t *cli_parse_object(struct slice line, struct reason *out_why);

/* Cells. Times without fraction; "name=value" pairs of an object; lists with commas. */
bool cli_cell_time(const json_t *line, const char *key, struct buf *out);
bool cli_cell_text(const json_t *line, const char *key, struct buf *out);
const char *cli_color_state(const json_t *line);

/* The words as one text, joined by blanks; the caller frees it. */
char *cli_join(const struct option_list *words);

#endif
