#include "collector/cli/settings.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/codec/config.h"
#include "common/io/file.h"

#define CONFIG_NAME     ".config/tsujiban/config.yaml"
#define TOKEN_FILE_MAX  4096
#define TOKEN_BYTES_MAX 256

struct file_settings {
	const char *server, *token_file, *ca;
};

static const struct config_key TABLE[] = {
        {.name = "server",
                .type = CONFIG_TEXT,
                .offset = offsetof(struct file_settings, server),
                .help = "HOST:PORT of the collector's API"},
        {.name = "token_file",
                .type = CONFIG_PATH,
                .offset = offsetof(struct file_settings, token_file),
                .help = "file with the API token"},
        {.name = "ca",
                .type = CONFIG_PATH,
                .offset = offsetof(struct file_settings, ca),
                .help = "PEM file of the collector's CA"},
        {.name = NULL},
};

/* --- server -------------------------------------------------------------------------------- */

static bool is_url_safe(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f || strchr("/?#@\\", text.ptr[i]))
			return false;
	return true;
}

int settings_base_url(const char *server, struct buf *out, struct reason *out_why)
{
	static const char scheme[] = "https://";
	struct slice address = text_trim(slice_text(server));
	uint64_t port;

	if (slice_starts_with(address, slice_text(scheme))) {
		address.ptr += sizeof(scheme) - 1;
		address.len -= sizeof(scheme) - 1;
	}
	if (address.len > 0 && address.ptr[address.len - 1] == '/')
		address.len--;
	size_t colon = address.len;
	while (colon > 0 && address.ptr[colon - 1] != ':')
		colon--;
	if (colon <= 1 || !is_url_safe(address) ||
	        !text_parse_u64(slice_of(address.ptr + colon, address.len - colon), 65535, &port))
		return fail(out_why, ERR_CONFIG, "server '%s' is not HOST:PORT", server);
	buf_append_text(out, scheme);
	buf_append_slice(out, address);
	return 0;
}

/* --- where they come from ------------------------------------------------------------------ */

/* A service of root's has no $HOME. NULL: nowhere. */
static const char *home_directory(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user = home && *home ? NULL : getpwuid(getuid());

	if (user)
		home = user->pw_dir;
	return home && *home ? home : NULL;
}

static int read_file_settings(
        struct settings *settings, struct file_settings *out, struct reason *out_why)
{
	const char *home = home_directory();
	struct buf path = BUF_INIT;
	int rc = 0;

	if (!home)
		return 0;
	buf_printf(&path, "%s/%s", home, CONFIG_NAME);
	if (access(buf_text(&path), F_OK) == 0)
		rc = config_load(buf_text(&path), TABLE, settings->arena, out, out_why);
	buf_fini(&path);
	return rc;
}

static const char *choose(const char *option, const char *variable, const char *from_file)
{
	const char *from_environment = getenv(variable);

	if (option)
		return option;
	return from_environment && *from_environment ? from_environment : from_file;
}

static int require(
        const char *value, const char *option, const char *variable, struct reason *out_why)
{
	if (value && *value)
		return 0;
	return fail(out_why, ERR_CONFIG, "missing '%s' (or $%s, or the key in ~/%s)", option,
	        variable, CONFIG_NAME);
}

static int read_token(struct settings *settings, struct reason *out_why)
{
	struct buf content = BUF_INIT;
	int rc = file_read(settings->token_file, TOKEN_FILE_MAX, &content, out_why);

	if (rc == 0) {
		struct slice token = text_trim(buf_slice(&content));
		if (token.len == 0 || token.len > TOKEN_BYTES_MAX || !is_url_safe(token))
			rc = fail(out_why, ERR_FORMAT, "file '%s' holds no token",
			        settings->token_file);
		else
			settings->token = arena_text(settings->arena, token);
	}
	buf_fini(&content);
	return rc;
}

int settings_load(struct settings *settings, struct reason *out_why)
{
	struct file_settings from_file = {0};
	struct buf url = BUF_INIT;

	settings->arena = arena_new(1u << 20);
	int rc = read_file_settings(settings, &from_file, out_why);
	settings->server = choose(settings->server, "TSUJIBAN_SERVER", from_file.server);
	settings->token_file = choose(
	        settings->token_file, "TSUJIBAN_TOKEN_FILE", from_file.token_file);
	settings->ca = choose(settings->ca, "TSUJIBAN_CA", from_file.ca);
	if (rc == 0)
		rc = require(settings->server, "--server", "TSUJIBAN_SERVER", out_why);
	if (rc == 0)
		rc = require(settings->token_file, "--token-file", "TSUJIBAN_TOKEN_FILE", out_why);
	if (rc == 0)
		rc = require(settings->ca, "--ca", "TSUJIBAN_CA", out_why);
	if (rc == 0)
		rc = settings_base_url(settings->server, &url, out_why);
	if (rc == 0)
		settings->base_url = arena_text(settings->arena, buf_slice(&url));
	if (rc == 0)
		rc = read_token(settings, out_why);
	buf_fini(&url);
	return rc;
}

void settings_fini(struct settings *settings)
{
	arena_free(settings->arena);
	settings->arena = NULL;
}
