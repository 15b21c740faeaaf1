#include <stdio.h>
#include <stdlib.h>

#include "collector/cli/cli.h"
#include "common/base/text.h"

static bool is_read;
static const char *ttl;
static struct option_list labels;
static struct buf agents_address; /* for the command that the new host's operator needs */

static const struct option_row ROWS[] = {
        {.name = "read", .out_flag = &is_read, .help = "to read with, instead of to enrol a host"},
        {.name = "ttl",
                .value = "TIME",
                .out_text = &ttl,
                .help = "how long it may be used: 1h, with --read 30d"},
        {.name = "label",
                .value = "NAME=VALUE",
                .out_list = &labels,
                .help = "of the new host, or what a token to read with is for"},
        CLI_COMMON_ROWS,
};

static int build_wishes(json_t *wishes, struct reason *out_why)
{
	json_t *object = json_object();

	if (is_read)
		json_object_set_new(wishes, "role", json_string("read"));
	if (ttl)
		json_object_set_new(wishes, "ttl", json_string(ttl));
	json_object_set_new(wishes, "labels", object);
	for (size_t i = 0; i < labels.count; i++) {
		struct slice name, value;
		if (!text_split(slice_text(labels.item[i]), '=', &name, &value) || name.len == 0)
			return fail(out_why, ERR_CONFIG, "label '%s' is not NAME=VALUE",
			        labels.item[i]);
		json_t *text = json_stringn((const char *)value.ptr, value.len);
		char key[128];
		snprintf(key, sizeof(key), "%.*s", SLICE_ARG(name));
		if (!text || json_object_set_new(object, key, text) < 0)
			return fail(out_why, ERR_CONFIG, "label '%s' is not UTF-8", labels.item[i]);
	}
	return 0;
}

/* "HOST:PORT" without the port. */
static struct slice host_of(struct slice address)
{
	while (address.len > 0 && address.ptr[address.len - 1] != ':')
		address.len--;
	if (address.len > 0)
		address.len--;
	return address;
}

static int take_listen(void *ctx, struct slice line)
{
	struct buf *out = ctx;
	json_t *status = json_loadb((const char *)line.ptr, line.len, 0, NULL);
	const char *listen = json_string_value(json_object_get(status, "listen"));

	buf_reset(out);
	if (listen)
		buf_append_text(out, listen);
	json_decref(status);
	return 0;
}

/* Where agents connect to, as the collector says; one that listens on every address is reached
 * where its API is. */
static void append_agents_address(struct cli *cli, struct buf *out)
{
	struct slice server = slice_text(cli->settings.base_url + strlen("https://"));
	struct buf listen = BUF_INIT;

	if (client_get(cli->client, "/api/v1/status", take_listen, &listen, NULL) < 0 ||
	        !listen.len)
		buf_append_text(&listen, "0.0.0.0:7443");
	struct slice host = host_of(buf_slice(&listen));
	if (slice_is(host, "0.0.0.0") || slice_is(host, "[::]"))
		buf_append_slice(out, host_of(server));
	else
		buf_append_slice(out, host);
	buf_append(out, listen.data + host.len, listen.len - host.len);
	buf_fini(&listen);
}

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "-";
}

/* What whoever is given the token does with it. */
static void append_use(const json_t *object, struct buf *out)
{
	if (is_read)
		buf_printf(out,
		        "It sees the whole fleet and changes nothing. Its holder keeps it in a "
		        "file, for\n--token-file or token_file in ~/.config/tsujiban/config.yaml; "
		        "you end it with:\n\n"
		        "  tsujiban token revoke %s\n",
		        member(object, "id"));
	else
		buf_printf(out,
		        "On the host (--collector is where agents connect to):\n\n"
		        "  tsujiban-agent enroll --collector %s --token %s \\\n"
		        "      --ca-fingerprint %s --dir /var/lib/tsujiban-agent\n",
		        buf_text(&agents_address), member(object, "token"),
		        member(object, "ca_fingerprint"));
}

static int show_token(struct cli_listing *listing, struct slice line)
{
	json_t *object = json_loadb((const char *)line.ptr, line.len, 0, NULL);
	struct buf out = BUF_INIT, shown = BUF_INIT;

	buf_printf(&out, "token           %s\nca fingerprint  %s\nexpires         %s\n\n",
	        member(object, "token"), member(object, "ca_fingerprint"),
	        member(object, "expires"));
	append_use(object, &out);
	for (struct slice left = buf_slice(&out), text; text_take_line(&left, &text);) {
		text_append_display(&shown, text);
		/* The line's own backslash was doubled. */
		if (text.len > 0 && text.ptr[text.len - 1] == '\\')
			shown.len--;
		buf_append_byte(&shown, '\n');
	}
	int rc = cli_write(buf_slice(&shown), listing->out_why);
	buf_fini(&out);
	buf_fini(&shown);
	json_decref(object);
	return rc;
}

static int take_line(void *ctx, struct slice line)
{
	struct cli_listing *listing = ctx;

	return listing->cli->format == CLI_TABLE ? show_token(listing, line)
	                                         : cli_listing_line(listing, line);
}

static int run_token_create(
        struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	static const struct cli_field fields[] = {
	        {.column = {"token", 43, false}, .key = "token"},
	        {.column = {"ca_fingerprint", 71, false}, .key = "ca_fingerprint"},
	        {.column = {"expires", 0, false}, .key = "expires"},
	        {.column = {0}},
	};
	struct cli_listing listing;
	json_t *wishes = json_object();
	int rc = build_wishes(wishes, out_why);

	(void)words;
	if (rc == 0 && cli->format == CLI_TABLE && !is_read)
		append_agents_address(cli, &agents_address);
	if (rc == 0) {
		char *body = json_dumps(wishes, JSON_COMPACT);
		cli_listing_init(&listing, cli, fields, out_why);
		rc = client_post(cli->client, "/api/v1/tokens", slice_text(body), take_line,
		        &listing, out_why);
		free(body);
	}
	json_decref(wishes);
	buf_fini(&agents_address);
	return rc;
}

const struct cli_command cmd_token_create = {
        .name = "token create",
        .synopsis = "tsujiban token create [--read] [--ttl TIME] [--label NAME=VALUE]...",
        .about = "Makes a token with which one host can be enrolled, once; or one to read with.",
        .rows = ROWS,
        .run = run_token_create,
};
