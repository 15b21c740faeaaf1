#include <stdio.h>
#include <stdlib.h>

#include "collector/cli/cli.h"
#include "collector/cli/coverage.h"
#include "collector/cli/fact_line.h"

#define QUERY_WORDS_MAX 32

/* --- search -------------------------------------------------------------------------------- */

static const char *count_by, *limit;

static const struct option_row SEARCH_ROWS[] = {
        {.name = "count-by",
                .value = "FIELD",
                .out_text = &count_by,
                .help = "os, kernel, arch, host, label.NAME, fact.NAME, package, version, "
                        "manager, module, listen, account, unit, restart, …"},
        {.name = "limit", .value = "N", .out_text = &limit, .help = "at most so many lines"},
        CLI_COMMON_ROWS,
};

/* "openssl 3.0.15-1~deb12u1 amd64, 6.1.0-28-amd64, tcp 0.0.0.0:443 /usr/sbin/nginx" */
static void append_match(const json_t *match, struct buf *out)
{
	static const char *const names[] = {"name", "version", "arch", "instance", "kernel"};
	const char *kind = json_string_value(json_object_get(match, "kind"));
	bool is_first = true;

	if (kind) {
		fact_line_append_name(kind, match, out);
		buf_append_byte(out, ' ');
		fact_line_append_value(kind, match, out);
		if (out->data[out->len - 1] == ' ')
			out->len--;
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = json_string_value(json_object_get(match, names[i]));
		if (!text)
			continue;
		buf_printf(out, "%s%s", is_first ? "" : " ", text);
		is_first = false;
	}
}

static bool cell_matches(const json_t *line, const char *key, struct buf *out)
{
	json_t *match;
	size_t i;

	json_array_foreach(json_object_get(line, key), i, match)
	{
		if (i > 0)
			buf_append_text(out, ", ");
		append_match(match, out);
	}
	return out->len > 0;
}

static const struct cli_field FOUND_FIELDS[] = {
        {.column = {"host", 24, false}, .key = "host"},
        {.column = {"state", 9, false}, .key = "state", .color = cli_color_state},
        {.column = {"last_seen", 19, false}, .key = "last_seen", .cell = cli_cell_time},
        {.column = {"os", 16, false}, .key = "os"},
        {.column = {"kernel", 22, false}, .key = "kernel"},
        {.column = {"matches", 0, false}, .key = "matches", .cell = cell_matches},
        {.column = {0}},
};

/* --- what the answer cannot know ----------------------------------------------------------- */

/* To stderr: the listing is for programs too. */
static int tell_coverage(void *ctx, struct slice line)
{
	struct reason *out_why = ctx;
	struct buf note = BUF_INIT;
	json_t *coverage = cli_parse_object(line, out_why);

	if (!coverage)
		return ERR_FORMAT;
	coverage_append(coverage, &note);
	if (note.len > 0)
		fprintf(stderr, "tsujiban: %s\n", buf_text(&note));
	buf_fini(&note);
	json_decref(coverage);
	return 0;
}

static int ask_coverage(struct cli *cli, const char *query, struct reason *out_why)
{
	struct buf path = BUF_INIT;

	buf_append_text(&path, "/api/v1/search/coverage");
	client_add_param(&path, "q", query);
	int rc = cli_flush(out_why);
	if (rc == 0)
		rc = client_get(cli->client, buf_text(&path), tell_coverage, out_why, out_why);
	buf_fini(&path);
	return rc;
}

/* ------------------------------------------------------------------------------------------- */

static int run_search(struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	struct cli_field counted[] = {
	        {.column = {"hosts", 8, true}, .key = "hosts"},
	        {.column = {count_by, 0, false}, .key = count_by},
	        {.column = {0}},
	};
	struct buf path = BUF_INIT;
	char *query = cli_join(words);

	buf_append_text(&path, "/api/v1/search");
	client_add_param(&path, "q", query);
	client_add_param(&path, "count_by", count_by);
	client_add_param(&path, "limit", limit);
	int rc = cli_list(cli, buf_text(&path), count_by ? counted : FOUND_FIELDS, out_why);
	if (rc == 0)
		rc = ask_coverage(cli, query, out_why);
	buf_fini(&path);
	free(query);
	return rc;
}

const struct cli_command cmd_search = {
        .name = "search",
        .synopsis = "tsujiban search QUERY [--count-by FIELD] [--limit N]",
        .about = "Finds hosts. QUERY: package:openssl<3.0.15, os:\"debian 12\", kernel<6.1,\n"
                 "label.env:production, host:web*, module:nf_tables, restart:nginx, listen:443,\n"
                 "account:bob, unit:ssh.service, fact.reboot_required:*, joined by AND, OR, NOT\n"
                 "and parentheses. An empty query finds all hosts. tsujiban(1) has them all.",
        .rows = SEARCH_ROWS,
        .least_words = 1,
        .most_words = QUERY_WORDS_MAX,
        .run = run_search,
};

/* --- packages ------------------------------------------------------------------------------ */

static const char *of_host;

static const struct option_row PACKAGE_ROWS[] = {
        {.name = "host", .value = "NAME", .out_text = &of_host, .help = "what this host has"},
        CLI_COMMON_ROWS,
};

static const struct cli_field PACKAGE_FIELDS[] = {
        {.column = {"hosts", 6, true}, .key = "hosts"},
        {.column = {"manager", 8, false}, .key = "manager"},
        {.column = {"name", 28, false}, .key = "name"},
        {.column = {"version", 28, false}, .key = "version"},
        {.column = {"arch", 6, false}, .key = "arch"},
        {.column = {"source", 24, false}, .key = "source"},
        {.column = {"status", 12, false}, .key = "status"},
        {.column = {"owner", 24, false}, .key = "owner"},
        {.column = {"path", 0, false}, .key = "instance"},
        {.column = {0}},
};

static int run_packages(struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	struct buf path = BUF_INIT;

	if (words->count == 0 && !of_host)
		return fail(out_why, ERR_CONFIG, "which packages: give NAME, --host or both");
	buf_append_text(&path, "/api/v1/packages");
	client_add_param(&path, "name", words->count ? words->item[0] : NULL);
	client_add_param(&path, "host", of_host);
	int rc = cli_list(cli, buf_text(&path), PACKAGE_FIELDS, out_why);
	buf_fini(&path);
	return rc;
}

const struct cli_command cmd_packages = {
        .name = "packages",
        .synopsis = "tsujiban packages NAME [--host NAME]",
        .about = "Lists the versions of a package across the fleet, the earliest first, with the\n"
                 "number of hosts; with --host what that host has, without NAME all of it.",
        .rows = PACKAGE_ROWS,
        .most_words = 1,
        .run = run_packages,
};
