#include "collector/cli/cli.h"
#include "collector/cli/host_text.h"

static const struct option_row ROWS[] = {CLI_COMMON_ROWS};

static const struct cli_field HOST_FIELDS[] = {
        {.column = {"host", 24, false}, .key = "host"},
        {.column = {"state", 9, false}, .key = "state", .color = cli_color_state},
        {.column = {"held", 5, false}, .key = "held"},
        {.column = {"last_seen", 19, false}, .key = "last_seen", .cell = cli_cell_time},
        {.column = {"os", 16, false}, .key = "os"},
        {.column = {"kernel", 22, false}, .key = "kernel"},
        {.column = {"packages", 8, true}, .key = "packages"},
        {.column = {"agent", 8, false}, .key = "agent_version"},
        {.column = {"labels", 0, false}, .key = "labels"},
        {.column = {0}},
};

static int run_hosts(struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	(void)words;
	return cli_list(cli, "/api/v1/hosts", HOST_FIELDS, out_why);
}

const struct cli_command cmd_hosts = {
        .name = "hosts",
        .synopsis = "tsujiban hosts",
        .about = "Lists the enrolled hosts.",
        .rows = ROWS,
        .run = run_hosts,
};

/* For a person in groups; otherwise by members. */
static int show_host(void *ctx, struct slice line)
{
	struct cli_listing *listing = ctx;
	struct buf out = BUF_INIT;

	if (listing->cli->format != CLI_TABLE)
		return cli_object_line(ctx, line);
	json_t *host = cli_parse_object(line, listing->out_why);
	if (!host)
		return ERR_FORMAT;
	host_text_append(host, listing->cli->has_color, &out);
	int rc = cli_write(buf_slice(&out), listing->out_why);
	buf_fini(&out);
	json_decref(host);
	return rc;
}

static int run_host(struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	struct cli_listing listing;
	struct buf path = BUF_INIT;

	buf_append_text(&path, "/api/v1/hosts/");
	client_add_part(&path, words->item[0]);
	cli_listing_init(&listing, cli, HOST_FIELDS, out_why);
	int rc = client_get(cli->client, buf_text(&path), show_host, &listing, out_why);
	buf_fini(&path);
	return rc;
}

const struct cli_command cmd_host = {
        .name = "host",
        .synopsis = "tsujiban host NAME",
        .about = "Shows what is known of one host.",
        .rows = ROWS,
        .least_words = 1,
        .most_words = 1,
        .run = run_host,
};

static int run_revoke(struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	static const struct cli_field fields[] = {
	        {.column = {"host", 24, false}, .key = "host"},
	        {.column = {"state", 0, false}, .key = "state", .color = cli_color_state},
	        {.column = {0}},
	};
	return cli_revoke(cli, "/api/v1/hosts/", words->item[0], fields, out_why);
}

const struct cli_command cmd_revoke = {
        .name = "revoke",
        .synopsis = "tsujiban revoke NAME",
        .about = "Ends a host's session and refuses its certificate from now on. Its records "
                 "stay.",
        .rows = ROWS,
        .least_words = 1,
        .most_words = 1,
        .run = run_revoke,
};
