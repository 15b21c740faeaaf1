#include "common/codec/option.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 32

static size_t fill_long_options(const struct option_row *rows, struct option *out)
{
	size_t count = 0;
	for (; count < ROWS_MAX && rows[count].name; count++)
		out[count] = (struct option){
		        .name = rows[count].name,
		        .has_arg = rows[count].value ? required_argument : no_argument,
		        .val = (int)(1000 + count),
		};
	out[count] = (struct option){.name = "help", .val = 'h'};
	out[count + 1] = (struct option){0};
	return count;
}

static int take(const struct option_row *row, const char *value, struct reason *out_why)
{
	if (row->out_flag)
		*row->out_flag = true;
	if (row->out_text)
		*row->out_text = value;
	if (!row->out_list)
		return 0;
	if (row->out_list->count == OPTION_LIST_MAX)
		return fail(out_why, ERR_CONFIG, "too many '--%s'", row->name);
	row->out_list->item[row->out_list->count++] = value;
	return 0;
}

static bool is_given(const struct option_row *row)
{
	return (row->out_text && *row->out_text) || (row->out_list && row->out_list->count);
}

static int check_required(const struct option_row *rows, struct reason *out_why)
{
	for (; rows->name; rows++)
		if (rows->required && !is_given(rows))
			return fail(
			        out_why, ERR_CONFIG, "missing '--%s %s'", rows->name, rows->value);
	return 0;
}

static int take_words(int argc, char **argv, struct option_list *out_words, size_t most_words,
        struct reason *out_why)
{
	for (int i = optind; i < argc; i++) {
		if (!out_words || out_words->count == most_words)
			return fail(out_why, ERR_CONFIG, "unexpected word '%s'", argv[i]);
		out_words->item[out_words->count++] = argv[i];
	}
	return 0;
}

int option_parse(int argc, char **argv, const struct option_row *rows,
        struct option_list *out_words, size_t most_words, bool *out_help, struct reason *out_why)
{
	struct option known[ROWS_MAX + 2];
	size_t count = fill_long_options(rows, known);
	int rc = 0, which;
	optind = 0; /* a fresh start, also of glibc's own state */
	opterr = 0;
	*out_help = false;
	while (rc == 0 && (which = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (which == 'h')
			*out_help = true;
		else if (which == ':')
			rc = fail(
			        out_why, ERR_CONFIG, "option '%s' wants a value", argv[optind - 1]);
		else if (which >= 1000 && which < 1000 + (int)count)
			rc = take(&rows[which - 1000], optarg, out_why);
		else
			rc = fail(out_why, ERR_CONFIG, "unknown option '%s'", argv[optind - 1]);
	}
	if (rc < 0 || *out_help)
		return rc;
	rc = take_words(argc, argv, out_words, most_words, out_why);
	return rc < 0 ? rc : check_required(rows, out_why);
}

void option_print_help(const char *synopsis, const char *about, const struct option_row *rows)
{
	printf("usage: %s\n\n%s\n\n", synopsis, about);
	for (; rows->name; rows++) {
		char left[64];
		snprintf(left, sizeof left, "--%s %s", rows->name, rows->value ? rows->value : "");
		printf("  %-26s %s%s\n", left, rows->help,
		        rows->out_list ? " (may come again)" : "");
	}
	printf("  %-26s %s\n", "--help", "this text");
}
