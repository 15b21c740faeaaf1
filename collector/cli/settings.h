/*
 * settings - which collector the program speaks to, with which token, trusting which CA.
 *
 * Each comes from its option, else from the environment (TSUJIBAN_SERVER, TSUJIBAN_TOKEN_FILE,
 * TSUJIBAN_CA), else from ~/.config/tsujiban/config.yaml.
 *
 * Life     settings_load -> settings_fini.
 * Errors   ERR_CONFIG (wrong use) with the sentence; the token file's own otherwise.
 */
#ifndef TSUJIBAN_COLLECTOR_CLI_SETTINGS_H
#define TSUJIBAN_COLLECTOR_CLI_SETTINGS_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

struct settings {
	const char *server, *token_file, *ca; /* options as given, or NULL, before settings_load */
	struct arena *arena;
	char *base_url; /* "https://HOST:PORT" */
	char *token;
};

int settings_load(struct settings *settings, struct reason *out_why);
void settings_fini(struct settings *settings);

/* HOST:PORT or https://HOST:PORT, perhaps with a slash at the end; appends the URL's beginning. */
int settings_base_url(const char *server, struct buf *out, struct reason *out_why);

#endif
