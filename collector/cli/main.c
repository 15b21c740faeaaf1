/*
 * The `tsujiban` program: a word or two choose a command of the table, the rest is the command's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/cli/cli.h"
#include "collector/cli/command.h"

static const struct cli_command *const COMMANDS[] = {
        &cmd_token_create,
        &cmd_token_list,
        &cmd_token_revoke,
        &cmd_hosts,
        &cmd_host,
        &cmd_revoke,
        &cmd_search,
        &cmd_packages,
        &cmd_facts,
        &cmd_files,
        &cmd_events,
        &cmd_status,
};
#define COMMAND_COUNT (sizeof(COMMANDS) / sizeof(COMMANDS[0]))

static const char ABOUT[] =
        "tsujiban asks a collector about its fleet.\n\n"
        "The collector's API, the file with the token and the CA come from --server, --token-file\n"
        "and --ca, from $TSUJIBAN_SERVER, $TSUJIBAN_TOKEN_FILE and $TSUJIBAN_CA, or from the keys\n"
        "server, token_file and ca of ~/.config/tsujiban/config.yaml.\n";

static void print_usage(FILE *to)
{
	fprintf(to, "usage: tsujiban COMMAND [OPTION | WORD]...\n\n%s\n", ABOUT);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %s\n", COMMANDS[i]->synopsis);
	fprintf(to,
	        "\nEvery command has --help. Exit status: 0 success, 1 failure, 2 wrong use.\n");
}

/* --- running it ---------------------------------------------------------------------------- */

static int choose_format(struct cli *cli, struct reason *out_why)
{
	const char *format = cli_common.format ? cli_common.format : "table";

	if (strcmp(format, "table") == 0)
		cli->format = CLI_TABLE;
	else if (strcmp(format, "json") == 0)
		cli->format = CLI_JSON;
	else if (strcmp(format, "csv") == 0)
		cli->format = CLI_CSV;
	else
		return fail(
		        out_why, ERR_CONFIG, "format '%s' is none of table, json and csv", format);
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	cli->is_terminal = isatty(STDOUT_FILENO);
	cli->has_color = cli->is_terminal && !(no_color && *no_color) &&
	                 !(term && strcmp(term, "dumb") == 0);
	return 0;
}

static int ask(struct cli *cli, const struct cli_command *command, const struct option_list *words,
        struct reason *out_why)
{
	int rc = choose_format(cli, out_why);

	cli->settings.server = cli_common.server;
	cli->settings.token_file = cli_common.token_file;
	cli->settings.ca = cli_common.ca;
	if (rc == 0)
		rc = settings_load(&cli->settings, out_why);
	if (rc == 0)
		rc = client_open(&cli->settings, &cli->client, out_why);
	if (rc == 0)
		rc = command->run(cli, words, out_why);
	if (rc == 0)
		rc = cli_flush(out_why);
	client_close(cli->client);
	settings_fini(&cli->settings);
	return rc;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
	struct option_list words = {0};
	struct cli cli = {0};
	struct reason why = {{0}};
	bool wants_help;
	int rc = option_parse(
	        argc, argv, command->rows, &words, command->most_words, &wants_help, &why);

	if (rc == 0 && wants_help) {
		option_print_help(command->synopsis, command->about, command->rows);
		return 0;
	}
	if (rc == 0 && words.count < command->least_words)
		rc = fail(&why, ERR_CONFIG, "too few words");
	if (rc == 0)
		rc = ask(&cli, command, &words, &why);
	if (rc == 0)
		return 0;
	fflush(stdout);
	fprintf(stderr, "tsujiban: %s\n", why.text);
	if (rc == ERR_CONFIG)
		fprintf(stderr, "usage: %s\n", command->synopsis);
	return rc == ERR_CONFIG ? 2 : 1;
}

int main(int argc, char **argv)
{
	const struct cli_command *command = command_take(COMMANDS, COMMAND_COUNT, &argc, argv);

	if (command)
		return run(command, argc, argv);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		print_usage(stdout);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("tsujiban %s\n", TSUJIBAN_VERSION);
		return 0;
	}
	int at = command_word(argc, argv);
	if (at < argc)
		fprintf(stderr, "tsujiban: no command '%s'\n", argv[at]);
	print_usage(stderr);
	return 2;
}
