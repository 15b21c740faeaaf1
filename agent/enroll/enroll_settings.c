#include "agent/enroll/enroll_settings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/io/file.h"

#define ARENA_BYTES    (4u << 20)
#define TOKEN_FILE_MAX 4096

struct file_settings {
	const char *collector, *token, *token_file, *ca_fingerprint, *dir, *name;
};

const struct config_key ENROLL_FILE[] = {
        {.name = "collector",
                .type = CONFIG_ADDRESS,
                .offset = offsetof(struct file_settings, collector),
                .help = "HOST:PORT where the collector listens for agents"},
        {.name = "token",
                .type = CONFIG_TEXT,
                .offset = offsetof(struct file_settings, token),
                .help = "from `tsujiban token create`"},
        {.name = "token_file",
                .type = CONFIG_PATH,
                .offset = offsetof(struct file_settings, token_file),
                .help = "file that has the token, instead of token"},
        {.name = "ca_fingerprint",
                .type = CONFIG_TEXT,
                .offset = offsetof(struct file_settings, ca_fingerprint),
                .help = "of the collector's CA, printed with the token"},
        {.name = "dir",
                .type = CONFIG_PATH,
                .offset = offsetof(struct file_settings, dir),
                .fallback = STATE_DEFAULT_DIR,
                .help = "where key and certificate go"},
        {.name = "name",
                .type = CONFIG_TEXT,
                .offset = offsetof(struct file_settings, name),
                .help = "instead of the host's name"},
        {0},
};

/* --- where each value comes from ------------------------------------------------------------- */

/* An empty variable is none: templates leave such behind. */
static void fill(const char **value, const char *variable, const char *from_file)
{
	const char *from_environment = getenv(variable);
	if (!*value && from_environment && *from_environment)
		*value = from_environment;
	if (!*value && from_file && *from_file)
		*value = from_file;
}

static int require(const char *value, const char *option, const char *variable, const char *key,
        struct reason *out_why)
{
	if (value)
		return 0;
	return fail(out_why, ERR_CONFIG, "missing '%s' (or $%s, or '%s' in the file of --from)",
	        option, variable, key);
}

/* --- the token ------------------------------------------------------------------------------- */

/* The arguments of a process are shown to everyone. */
static void hide_argument(struct enroll_settings *settings)
{
	const char *token = settings->options.token;
	if (!token)
		return;
	settings->options.token = arena_text(settings->arena, slice_text(token));
	memset((char *)token, 'x', strlen(token));
}

static int read_token_file(struct enroll_settings *settings, struct reason *out_why)
{
	struct buf content = BUF_INIT;
	int rc = file_read(settings->token_file, TOKEN_FILE_MAX, &content, out_why);
	struct slice token = text_trim(buf_slice(&content));
	if (rc == 0 && token.len == 0)
		rc = fail(out_why, ERR_FORMAT, "file '%s' holds no token", settings->token_file);
	if (rc == 0) {
		settings->options.token = arena_text(settings->arena, token);
		settings->secret_file = settings->token_file;
	}
	buf_fini(&content);
	return rc;
}

/* Of the places that can have a token the first one has it; a file of its own is as near as the
 * place that names it. */
static int find_token(struct enroll_settings *settings, struct reason *out_why)
{
	if (settings->options.token)
		return 0;
	if (!settings->token_file)
		fill(&settings->options.token, "TSUJIBAN_ENROLL_TOKEN", NULL);
	if (settings->options.token)
		return 0;
	fill(&settings->token_file, "TSUJIBAN_ENROLL_TOKEN_FILE", NULL);
	if (!settings->token_file && settings->file_token && *settings->file_token) {
		settings->options.token = settings->file_token;
		settings->secret_file = settings->from;
		return 0;
	}
	if (!settings->token_file)
		settings->token_file = settings->file_token_file;
	if (settings->token_file)
		return read_token_file(settings, out_why);
	return fail(out_why, ERR_CONFIG,
	        "missing '--token T' (or --token-file, or $TSUJIBAN_ENROLL_TOKEN, or 'token' in "
	        "the file of --from)");
}

/* --- all of it ------------------------------------------------------------------------------- */

int enroll_settings_load(struct enroll_settings *settings, struct reason *out_why)
{
	struct enroll_options *options = &settings->options;
	struct file_settings file = {0};
	int rc = 0;
	settings->arena = arena_new(ARENA_BYTES);
	hide_argument(settings);
	if (settings->from)
		rc = config_load(settings->from, ENROLL_FILE, settings->arena, &file, out_why);
	if (rc < 0)
		file = (struct file_settings){.dir = STATE_DEFAULT_DIR};
	settings->file_token = file.token;
	settings->file_token_file = file.token_file;
	fill(&options->collector, "TSUJIBAN_ENROLL_COLLECTOR", file.collector);
	fill(&options->ca_fingerprint, "TSUJIBAN_ENROLL_CA_FINGERPRINT", file.ca_fingerprint);
	fill(&options->dir, "TSUJIBAN_ENROLL_DIR", file.dir);
	fill(&options->dir, "TSUJIBAN_ENROLL_DIR", STATE_DEFAULT_DIR);
	fill(&options->name, "TSUJIBAN_ENROLL_NAME", file.name);
	return rc == ERR_CONFIG ? ERR_FORMAT : rc;
}

int enroll_settings_complete(struct enroll_settings *settings, struct reason *out_why)
{
	const struct enroll_options *options = &settings->options;
	int rc = require(options->collector, "--collector HOST:PORT", "TSUJIBAN_ENROLL_COLLECTOR",
	        "collector", out_why);
	if (rc == 0)
		rc = require(options->ca_fingerprint, "--ca-fingerprint sha256:HEX",
		        "TSUJIBAN_ENROLL_CA_FINGERPRINT", "ca_fingerprint", out_why);
	return rc == 0 ? find_token(settings, out_why) : rc;
}

void enroll_settings_fini(struct enroll_settings *settings)
{
	arena_free(settings->arena);
	settings->arena = NULL;
}
