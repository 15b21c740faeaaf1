#include "agent/own_paths.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const UNITS[] = {
        "/etc/systemd/system/tsujiban-agent.service",
        "/etc/systemd/system/tsujiban-agent.service.d",
        "/run/systemd/system/tsujiban-agent.service",
        "/run/systemd/system/tsujiban-agent.service.d",
        "/usr/lib/systemd/system/tsujiban-agent.service",
        "/usr/lib/systemd/system/tsujiban-agent.service.d",
};
#define UNIT_COUNT (sizeof(UNITS) / sizeof(UNITS[0]))
#define OWN_MAX    (UNIT_COUNT + 3)

/* Patterns of entries of the state directory; the last one: what file_write is about to rename. */
static const char *WRITTEN_ALWAYS[] = {"lock", "status", "*.??????"};

static void add(struct agent_config *config, const char *path)
{
	config->own.item[config->own.count++] = (struct watch_config){.path = path};
}

static void add_real(struct agent_config *config, const char *path, struct arena *arena)
{
	char real[PATH_MAX];
	if (realpath(path, real))
		add(config, arena_text(arena, slice_text(real)));
}

static void add_state_dir(struct agent_config *config)
{
	struct watch_config *item = &config->own.item[config->own.count];
	add(config, config->state_dir);
	item->exclude = (struct config_texts){
	        .count = sizeof(WRITTEN_ALWAYS) / sizeof(WRITTEN_ALWAYS[0]),
	        .item = WRITTEN_ALWAYS,
	};
}

static bool is_whole(const struct agent_config *config)
{
	for (size_t i = 0; i < config->own.count; i++)
		if (!config->own.item[i].path)
			return false;
	return true;
}

int own_paths_find(struct agent_config *config, const char *config_file, struct arena *arena,
        struct reason *out_why)
{
	config->own.count = 0;
	config->own.item = arena_alloc_zeroed(arena, OWN_MAX, sizeof(*config->own.item));
	if (config->own.item) {
		add_real(config, "/proc/self/exe", arena);
		add_real(config, config_file, arena);
		add_state_dir(config);
		for (size_t i = 0; i < UNIT_COUNT; i++)
			add(config, UNITS[i]);
	}
	if (config->own.item && is_whole(config))
		return 0;
	config->own.count = 0;
	return fail(out_why, ERR_LIMIT, "cannot read configuration: it is too large");
}
