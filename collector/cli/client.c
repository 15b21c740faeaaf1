#include "collector/cli/client.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define CONNECT_S   10
#define SILENCE_S   60 /* a stream has a comment line every 15 s */
#define ERROR_BYTES 65536

struct client {
	const struct settings *settings;
	CURL *curl;
	char error[CURL_ERROR_SIZE];

	/* of the request */
	int (*line)(void *ctx, struct slice line);
	void *ctx;
	int code;        /* what `line` answered */
	struct buf rest; /* the line that has not ended yet, or the error's body */
};

/* --- what comes ---------------------------------------------------------------------------- */

static bool is_answer_good(struct client *client)
{
	long status = 0;

	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200;
}

static void give_lines(struct client *client)
{
	struct slice left = buf_slice(&client->rest), line;
	const uint8_t *end;

	while (client->code == 0 && left.len > 0 && (end = memchr(left.ptr, '\n', left.len))) {
		line = slice_of(left.ptr, (size_t)(end - left.ptr));
		left = slice_of(end + 1, left.len - line.len - 1);
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		client->code = client->line(client->ctx, line);
	}
	buf_consume(&client->rest, client->rest.len - left.len);
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *ctx)
{
	struct client *client = ctx;
	size_t len = size * count;
	bool is_good = is_answer_good(client);
	size_t limit = is_good ? CLIENT_LINE_MAX : ERROR_BYTES;

	if (client->rest.len + len > limit) {
		client->code = ERR_LIMIT;
		return 0;
	}
	buf_append(&client->rest, bytes, len);
	if (is_good)
		give_lines(client);
	return client->code == 0 ? len : 0;
}

/* --- how it ended -------------------------------------------------------------------------- */

/* The sentence of {"error":"…"}, made safe for a terminal. */
static int fail_with_answer(struct client *client, struct reason *out_why)
{
	struct buf shown = BUF_INIT;
	long status = 0;
	json_t *body = json_loadb((const char *)client->rest.data, client->rest.len, 0, NULL);
	const char *said = json_string_value(json_object_get(body, "error"));

	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	text_append_display(&shown, slice_text(said ? said : ""));
	if (status == 401)
		fail(out_why, ERR_REFUSED, "collector '%s': token refused (from '%s')",
		        client->settings->server, client->settings->token_file);
	else if (said)
		fail(out_why, ERR_REFUSED, "collector '%s': %s", client->settings->server,
		        buf_text(&shown));
	else
		fail(out_why, ERR_REFUSED, "collector '%s' answered with status %ld",
		        client->settings->server, status);
	buf_fini(&shown);
	json_decref(body);
	return ERR_REFUSED;
}

static int fail_with_curl(struct client *client, CURLcode result, struct reason *out_why)
{
	const struct settings *settings = client->settings;
	const char *detail = client->error[0] ? client->error : curl_easy_strerror(result);
	long system_error = 0;

	curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &system_error);
	switch (result) {
	case CURLE_COULDNT_CONNECT:
		return fail(out_why, ERR_CLOSED, "cannot connect to collector '%s': %s",
		        settings->server, system_error ? err_text(-(int)system_error) : detail);
	case CURLE_PEER_FAILED_VERIFICATION:
		return fail(out_why, ERR_TLS,
		        "certificate of collector '%s' does not match CA '%s': %s",
		        settings->server, settings->ca, detail);
	case CURLE_SSL_CACERT_BADFILE:
		return fail(out_why, ERR_TLS, "cannot read CA '%s': %s", settings->ca, detail);
	case CURLE_OPERATION_TIMEDOUT:
		return fail(out_why, ERR_CLOSED, "collector '%s' does not answer: %s",
		        settings->server, detail);
	default:
		return fail(out_why, ERR_CLOSED, "cannot speak with collector '%s': %s",
		        settings->server, detail);
	}
}

static int judge(struct client *client, CURLcode result, struct reason *out_why)
{
	long status = 0;

	if (client->code == ERR_LIMIT)
		return fail(out_why, ERR_LIMIT, "collector '%s' sent a line that is too long",
		        client->settings->server);
	if (client->code < 0)
		return client->code;
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (result == CURLE_OK && status != 200)
		return fail_with_answer(client, out_why);
	if (result != CURLE_OK)
		return fail_with_curl(client, result, out_why);
	if (client->rest.len > 0)
		return fail(out_why, ERR_CLOSED, "collector '%s' cut its answer short",
		        client->settings->server);
	return 0;
}

/* --- asking -------------------------------------------------------------------------------- */

static int perform(struct client *client, const char *path, struct curl_slist *headers,
        int (*line)(void *ctx, struct slice line), void *ctx, struct reason *out_why)
{
	struct buf url = BUF_INIT;

	buf_printf(&url, "%s%s", client->settings->base_url, path);
	client->line = line;
	client->ctx = ctx;
	client->code = 0;
	client->error[0] = '\0';
	buf_reset(&client->rest);
	curl_easy_setopt(client->curl, CURLOPT_URL, buf_text(&url));
	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
	CURLcode result = curl_easy_perform(client->curl);
	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
	buf_fini(&url);
	return judge(client, result, out_why);
}

int client_get(struct client *client, const char *path, int (*line)(void *ctx, struct slice line),
        void *ctx, struct reason *out_why)
{
	curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
	return perform(client, path, NULL, line, ctx, out_why);
}

int client_post(struct client *client, const char *path, struct slice json,
        int (*line)(void *ctx, struct slice line), void *ctx, struct reason *out_why)
{
	struct curl_slist *headers = curl_slist_append(NULL, "content-type: application/json");

	curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE, (long)json.len);
	curl_easy_setopt(client->curl, CURLOPT_COPYPOSTFIELDS, json.len ? json.ptr : NULL);
	curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
	int rc = perform(client, path, headers, line, ctx, out_why);
	curl_slist_free_all(headers);
	return rc;
}

int client_stream(struct client *client, const char *path, const char *last_id,
        int (*line)(void *ctx, struct slice line), void *ctx, struct reason *out_why)
{
	struct curl_slist *headers = curl_slist_append(NULL, "accept: text/event-stream");
	struct buf header = BUF_INIT;

	if (*last_id) {
		buf_printf(&header, "last-event-id: %s", last_id);
		headers = curl_slist_append(headers, buf_text(&header));
	}
	curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
	int rc = perform(client, path, headers, line, ctx, out_why);
	curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_TIME, 0L);
	curl_slist_free_all(headers);
	buf_fini(&header);
	if (rc == 0)
		rc = fail(out_why, ERR_CLOSED, "collector '%s' ended the stream",
		        client->settings->server);
	return rc;
}

/* --- paths --------------------------------------------------------------------------------- */

void client_add_part(struct buf *path, const char *part)
{
	static const char plain[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *part; part++) {
		if (strchr(plain, *part))
			buf_append_byte(path, (uint8_t)*part);
		else
			buf_printf(path, "%%%02X", (unsigned)(uint8_t)*part);
	}
}

void client_add_param(struct buf *path, const char *name, const char *value)
{
	if (!value)
		return;
	bool is_first = path->len == 0 || !memchr(path->data, '?', path->len);
	buf_printf(path, "%c%s=", is_first ? '?' : '&', name);
	client_add_part(path, value);
}

/* --- life ---------------------------------------------------------------------------------- */

int client_open(const struct settings *settings, struct client **out, struct reason *out_why)
{
	struct client *client = mem_new(sizeof(*client));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	client->settings = settings;
	client->curl = curl_easy_init();
	if (!client->curl) {
		free(client);
		return fail(out_why, ERR_TLS, "cannot set up libcurl");
	}
	CURL *curl = client->curl;
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
	curl_easy_setopt(curl, CURLOPT_CAINFO, settings->ca);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
	curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, settings->token);
	*out = client;
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	curl_global_cleanup();
	buf_fini(&client->rest);
	free(client);
}
