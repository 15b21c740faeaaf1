/*
 * option - command lines by table: getopt_long(3) with the texts that --help prints.
 *
 * Options may stand before or after words; "--name=value" and "--name value" are the same.
 *
 * Errors   ERR_CONFIG with the sentence; the caller prints it and exits with 2.
 * Thread   before threads: getopt_long has state of its own.
 */
#ifndef TSUJIBAN_COMMON_CODEC_OPTION_H
#define TSUJIBAN_COMMON_CODEC_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

#define OPTION_LIST_MAX 32

struct option_list {
	size_t count;
	const char *item[OPTION_LIST_MAX];
};

struct option_row {
	const char *name;      /* without dashes */
	const char *value;     /* what --help calls the value; NULL: a switch */
	const char **out_text; /* one of these three */
	struct option_list *out_list;
	bool *out_flag;
	bool required;
	const char *help;
};

/* Reads argv[1..argc) by `rows` (ends with a row without a name); the words that are no options are
 * left in `out_words`, at most `most_words`. "--help" is known to every table: `*out_help` is set
 * and nothing is required then. */
int option_parse(int argc, char **argv, const struct option_row *rows,
        struct option_list *out_words, size_t most_words, bool *out_help, struct reason *out_why);

/* "usage: SYNOPSIS", what it does, and a line for each option, on standard output. */
void option_print_help(const char *synopsis, const char *about, const struct option_row *rows);

#endif
