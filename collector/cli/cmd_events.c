#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "collector/cli/cli.h"
#include "collector/cli/event_line.h"
#include "common/base/digest.h"
#include "common/base/text.h"
#include "common/io/backoff.h"

#define QUERY_WORDS_MAX 32
#define LAST_ID_MAX     64
#define FIRST_WAIT_MS   500
#define MOST_WAIT_MS    30000

static const char *of_host, *since, *limit, *last;
static bool follows;

static const struct option_row ROWS[] = {
        {.name = "host", .value = "NAME", .out_text = &of_host, .help = "of this host"},
        {.name = "since",
                .value = "TIME",
                .out_text = &since,
                .help = "2h, or 2026-11-22T10:00:00Z"},
        {.name = "limit", .value = "N", .out_text = &limit, .help = "the first N"},
        {.name = "last", .value = "N", .out_text = &last, .help = "the newest N"},
        {.name = "follow", .out_flag = &follows, .help = "new ones as they come"},
        CLI_COMMON_ROWS,
};

static bool cell_what(const json_t *line, const char *key, struct buf *out)
{
	(void)key;
	event_line_append(line, out);
	return out->len > 0;
}

static const struct cli_field TABLE_FIELDS[] = {
        {.column = {"time", 19, false}, .key = "time", .cell = cli_cell_time},
        {.column = {"host", 16, false}, .key = "host"},
        {.column = {"action", 10, false}, .key = "action", .color = event_line_color},
        {.column = {"what", 0, false}, .cell = cell_what},
        {.column = {0}},
};

static const struct cli_field CSV_FIELDS[] = {
        {.column = {"id", 0, false}, .key = "id"},
        {.column = {"time", 0, false}, .key = "time"},
        {.column = {"host", 0, false}, .key = "host"},
        {.column = {"kind", 0, false}, .key = "kind"},
        {.column = {"action", 0, false}, .key = "action"},
        {.column = {"cause", 0, false}, .key = "cause"},
        {.column = {"path", 0, false}, .key = "path"},
        {.column = {"old_path", 0, false}, .key = "old_path"},
        {.column = {"changed", 0, false}, .key = "changed"},
        {.column = {"what", 0, false}, .cell = cell_what},
        {.column = {0}},
};

/* --- following ----------------------------------------------------------------------------- */

struct follower {
	struct cli_listing *listing;
	char last_id[LAST_ID_MAX];
	struct backoff backoff;
	bool is_connected; /* has been since the last failure */
	uint64_t left;     /* UINT64_MAX: no limit */
};

/* Not an error: --limit is reached. */
#define ENOUGH ERR_EXISTS

static bool take_field(struct slice line, const char *name, struct slice *out_value)
{
	struct slice field;

	if (!text_split(line, ':', &field, out_value) || !slice_is(field, name))
		return false;
	if (out_value->len > 0 && out_value->ptr[0] == ' ')
		*out_value = slice_of(out_value->ptr + 1, out_value->len - 1);
	return true;
}

/* An event is one line of id and one of data, in this order; comments show that the link lives. */
static int take_stream_line(void *ctx, struct slice line)
{
	struct follower *follower = ctx;
	struct slice value;

	follower->is_connected = true;
	backoff_reset(&follower->backoff);
	if (take_field(line, "id", &value) && value.len < LAST_ID_MAX)
		snprintf(follower->last_id, LAST_ID_MAX, "%.*s", SLICE_ARG(value));
	if (!take_field(line, "data", &value))
		return 0;
	int rc = cli_listing_line(follower->listing, value);
	if (rc == 0 && follower->left != UINT64_MAX && --follower->left == 0)
		return ENOUGH;
	return rc;
}

static void wait_ms(uint64_t ms)
{
	struct timespec left = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Goes on behind the last event seen whenever the link breaks; a collector that cannot be reached
 * at first, or says no, is an error. */
static int follow(
        struct cli *cli, const char *path, struct follower *follower, struct reason *out_why)
{
	bool has_connected = false;
	uint64_t random;

	for (;;) {
		follower->is_connected = false;
		int rc = client_stream(
		        cli->client, path, follower->last_id, take_stream_line, follower, out_why);
		if (rc == ENOUGH)
			return 0;
		has_connected |= follower->is_connected;
		if (rc != ERR_CLOSED || !has_connected)
			return rc;
		if (follower->is_connected)
			fprintf(stderr, "tsujiban: %s; trying again\n", out_why->text);
		random_bytes(&random, sizeof(random));
		wait_ms(backoff_next_ms(&follower->backoff, random));
	}
}

static int run_follow(
        struct cli *cli, const char *path, struct cli_listing *listing, struct reason *out_why)
{
	struct follower follower = {
	        .listing = listing,
	        .backoff = {.first_ms = FIRST_WAIT_MS, .most_ms = MOST_WAIT_MS},
	        .left = UINT64_MAX,
	};

	if (last)
		return fail(out_why, ERR_CONFIG, "--last and --follow do not go together");
	if (limit && (!text_parse_u64(slice_text(limit), UINT32_MAX, &follower.left) ||
	                     follower.left == 0))
		return fail(out_why, ERR_CONFIG, "limit '%s' is no number of at least 1", limit);
	listing->flushes = true;
	return follow(cli, path, &follower, out_why);
}

static int run_events(struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	const struct cli_field *fields = cli->format == CLI_CSV ? CSV_FIELDS : TABLE_FIELDS;
	struct cli_listing listing;
	struct buf path = BUF_INIT;
	char *query = cli_join(words);
	int rc;

	buf_append_text(&path, follows ? "/api/v1/events/stream" : "/api/v1/events");
	client_add_param(&path, "q", words->count ? query : NULL);
	client_add_param(&path, "host", of_host);
	client_add_param(&path, "since", since);
	if (follows) {
		cli_listing_init(&listing, cli, fields, out_why);
		rc = run_follow(cli, buf_text(&path), &listing, out_why);
	} else {
		client_add_param(&path, "limit", limit);
		client_add_param(&path, "last", last);
		rc = cli_list(cli, buf_text(&path), fields, out_why);
	}
	buf_fini(&path);
	free(query);
	return rc;
}

const struct cli_command cmd_events = {
        .name = "events",
        .synopsis = "tsujiban events [QUERY] [--host H] [--since T] [--limit N] [--last N] "
                    "[--follow]",
        .about =
                "Lists events, oldest first: all that match, or the first (--limit) or newest\n"
                "(--last) N. --follow shows new ones as they come, with --since also earlier ones.",
        .rows = ROWS,
        .most_words = QUERY_WORDS_MAX,
        .run = run_events,
};
