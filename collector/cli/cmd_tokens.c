#include "collector/cli/cli.h"

static const struct option_row ROWS[] = {CLI_COMMON_ROWS};

static int run_token_list(struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	static const struct cli_field fields[] = {
	        {.column = {"id", 16, false}, .key = "id"},
	        {.column = {"role", 6, false}, .key = "role"},
	        {.column = {"created", 19, false}, .key = "created", .cell = cli_cell_time},
	        {.column = {"expires", 19, false}, .key = "expires", .cell = cli_cell_time},
	        {.column = {"labels", 0, false}, .key = "labels"},
	        {.column = {0}},
	};
	(void)words;
	return cli_list(cli, "/api/v1/tokens", fields, out_why);
}

const struct cli_command cmd_token_list = {
        .name = "token list",
        .synopsis = "tsujiban token list",
        .about = "Lists the tokens that are good: what they are for, and until when.",
        .rows = ROWS,
        .run = run_token_list,
};

static int run_token_revoke(
        struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	static const struct cli_field fields[] = {
	        {.column = {"id", 16, false}, .key = "id"},
	        {.column = {"role", 6, false}, .key = "role"},
	        {.column = {"state", 0, false}, .key = "state", .color = cli_color_state},
	        {.column = {0}},
	};
	return cli_revoke(cli, "/api/v1/tokens/", words->item[0], fields, out_why);
}

const struct cli_command cmd_token_revoke = {
        .name = "token revoke",
        .synopsis = "tsujiban token revoke ID",
        .about = "Ends a token, and what is being listened to with it.",
        .rows = ROWS,
        .least_words = 1,
        .most_words = 1,
        .run = run_token_revoke,
};
