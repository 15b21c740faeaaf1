#include "common/codec/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_WRONG_USE = 2 };

static void print_usage(FILE *stream, const char *program, const struct program_command *commands)
{
	fprintf(stream, "usage: %s COMMAND [--help]\n\n", program);
	for (; commands->name; commands++)
		fprintf(stream, "  %-8s %s\n", commands->name, commands->help);
	fprintf(stream, "\n%s " TSUJIBAN_VERSION "\n", program);
}

int program_main(const char *program, const struct program_command *commands, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	if (word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
		print_usage(stdout, program, commands);
		return 0;
	}
	if (word && strcmp(word, "--version") == 0) {
		printf("%s " TSUJIBAN_VERSION "\n", program);
		return 0;
	}
	for (const struct program_command *at = commands; word && at->name; at++)
		if (strcmp(word, at->name) == 0)
			return at->run(argc - 1, argv + 1);
	if (word)
		fprintf(stderr, "%s: unknown command '%s'\n", program, word);
	print_usage(stderr, program, commands);
	return EXIT_WRONG_USE;
}

int program_complain(const char *program, int code, const struct reason *why)
{
	fprintf(stderr, "%s: %s\n", program, why->text);
	return code == ERR_CONFIG ? EXIT_WRONG_USE : EXIT_FAILURE;
}
