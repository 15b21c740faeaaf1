/*
 * command - which command a command line asks for.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COLLECTOR_CLI_COMMAND_H
#define TSUJIBAN_COLLECTOR_CLI_COMMAND_H

#include "collector/cli/cli.h"

/* Takes the command's words out of argv, so that what is left is options and words. Options that
 * every command has may stand before it. NULL: there is no such command. */
const struct cli_command *command_take(
        const struct cli_command *const *commands, size_t count, int *argc, char **argv);
/* Where the first word that is no option stands; argc: nowhere. */
int command_word(int argc, char **argv);

#endif
