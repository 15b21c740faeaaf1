#include "collector/config.h"

#include <stddef.h>
#include <string.h>

#define LIMIT(field)                                                \
	.offset = offsetof(struct collector_config, limits.field) - \
	          offsetof(struct collector_config, limits)

static const struct config_key LIMITS[] = {
        {.name = "connections",
                .type = CONFIG_U64,
                LIMIT(connections),
                .fallback = "12000",
                .min = 1,
                .max = 1000000,
                .help = "agents connected at once"},
        {.name = "api_connections",
                .type = CONFIG_U64,
                LIMIT(api_connections),
                .fallback = "256",
                .min = 1,
                .max = 100000,
                .help = "clients of the API connected at once"},
        {.name = "store_gb",
                .type = CONFIG_U64,
                LIMIT(store_gb),
                .fallback = "256",
                .min = 1,
                .max = 16384,
                .help = "most that data/ may grow to"},
        {0},
};

const struct config_key COLLECTOR_CONFIG[] = {
        {.name = "dir",
                .type = CONFIG_PATH,
                .offset = offsetof(struct collector_config, dir),
                .required = true,
                .help = "directory that init made: keys, certificates, data/"},
        {.name = "listen",
                .type = CONFIG_ADDRESS,
                .offset = offsetof(struct collector_config, listen),
                .fallback = "0.0.0.0:7443",
                .help = "ADDR:PORT for agents"},
        {.name = "api",
                .type = CONFIG_ADDRESS,
                .offset = offsetof(struct collector_config, api),
                .fallback = "127.0.0.1:7444",
                .help = "ADDR:PORT of the HTTPS API"},
        {.name = "heartbeat",
                .type = CONFIG_DURATION,
                .offset = offsetof(struct collector_config, heartbeat_ns),
                .fallback = "30s",
                .min = 1,
                .max = 3600,
                .help = "a word from an idle agent; silence of three of them ends a session"},
        {.name = "certificate_life",
                .type = CONFIG_DURATION,
                .offset = offsetof(struct collector_config, certificate_ns),
                .fallback = "365d",
                .min = 60,
                .max = 3650ull * 86400,
                .help = "of hosts' certificates; agents renew after two thirds"},
        {.name = "confine",
                .type = CONFIG_TEXT,
                .offset = offsetof(struct collector_config, confine),
                .fallback = "on",
                .help = "on: give up capabilities, paths and system calls that are not needed; "
                        "off: only where the kernel cannot do it"},
        {.name = "limits",
                .type = CONFIG_SECTION,
                .offset = offsetof(struct collector_config, limits),
                .rows = LIMITS,
                .help = "what the collector may use"},
        {0},
};

int collector_config_load(
        const char *file, struct arena *arena, struct collector_config *out, struct reason *out_why)
{
	*out = (struct collector_config){0};
	int rc = config_load(file, COLLECTOR_CONFIG, arena, out, out_why);
	if (rc < 0)
		return rc;
	out->is_confined = strcmp(out->confine, "on") == 0;
	if (!out->is_confined && strcmp(out->confine, "off") != 0)
		return fail(out_why, ERR_CONFIG, "%s: key 'confine': '%s' is neither on nor off",
		        file, out->confine);
	return 0;
}
