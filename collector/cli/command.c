#include "collector/cli/command.h"

#include <string.h>

static bool wants_value(const char *option)
{
	static const char *const names[] = {"--server", "--token-file", "--ca", "--format"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(option, names[i]) == 0)
			return true;
	return false;
}

int command_word(int argc, char **argv)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-')
		i += wants_value(argv[i]) ? 2 : 1;
	return i < argc ? i : argc;
}

/* How many words of argv from `at` on are the command's name; 0: it is another. */
static int match_name(const char *name, int at, int argc, char **argv)
{
	const char *second = strchr(name, ' ');
	size_t len = second ? (size_t)(second - name) : strlen(name);

	if (strlen(argv[at]) != len || strncmp(argv[at], name, len) != 0)
		return 0;
	if (!second)
		return 1;
	return at + 1 < argc && strcmp(argv[at + 1], second + 1) == 0 ? 2 : 0;
}

const struct cli_command *command_take(
        const struct cli_command *const *commands, size_t count, int *argc, char **argv)
{
	int at = command_word(*argc, argv);

	for (size_t i = 0; i < count && at < *argc; i++) {
		int words = match_name(commands[i]->name, at, *argc, argv);
		if (words == 0)
			continue;
		/* With the NULL that ends argv. */
		memmove(&argv[at], &argv[at + words],
		        (size_t)(*argc - at - words + 1) * sizeof(argv[0]));
		*argc -= words;
		return commands[i];
	}
	return NULL;
}
