/*
 * program - a program whose first word is a command: picks it from a table, or says what there is.
 *
 * Thread   before threads.
 */
#ifndef TSUJIBAN_COMMON_CODEC_PROGRAM_H
#define TSUJIBAN_COMMON_CODEC_PROGRAM_H

#include "common/base/err.h"

struct program_command {
	const char *name;
	/* Gets what stands from the command's word on; returns what main returns. */
	int (*run)(int argc, char **argv);
	const char *help; /* a few words */
};

/* What main returns: the command's answer; 0 for --help, -h and --version; 2 for wrong use. The
 * table ends with a row without a name. */
int program_main(
        const char *program, const struct program_command *commands, int argc, char **argv);
/* Says the reason on standard error. Returns what main returns: 2 (wrong use) for ERR_CONFIG,
 * otherwise 1. */
int program_complain(const char *program, int code, const struct reason *why);

#endif
