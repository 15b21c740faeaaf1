#include "collector/cli/cli.h"

static const struct option_row ROWS[] = {CLI_COMMON_ROWS};

static int run_status(struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	static const struct cli_field fields[] = {{.column = {0}}};
	struct cli_listing listing;

	(void)words;
	cli_listing_init(&listing, cli, fields, out_why);
	return client_get(cli->client, "/api/v1/status", cli_object_line, &listing, out_why);
}

const struct cli_command cmd_status = {
        .name = "status",
        .synopsis = "tsujiban status",
        .about = "Shows how the collector is: hosts, sessions, store.",
        .rows = ROWS,
        .run = run_status,
};
