/*
 * config - the agent's configuration file, as the table in config.c describes it.
 *
 * Owner    texts live in the arena that agent_config_load was given.
 */
#ifndef TSUJIBAN_AGENT_CONFIG_H
#define TSUJIBAN_AGENT_CONFIG_H

#include "agent/watch/watch.h"
#include "common/codec/config.h"

/* Where packages have it. */
#define AGENT_CONFIG_FILE "/etc/tsujiban/agent.yaml"

struct watch_config {
	const char *path;
	bool recursive;
	struct config_texts exclude;
	bool diff;
	struct config_texts nodiff;
	uint64_t line; /* where the entry begins in the file */
};

struct agent_config {
	const char *collector; /* HOST:PORT; NULL: as enrolled */
	const char *state_dir;
	struct config_pairs labels;
	const char *source; /* "auto", "inotify", "fanotify" */
	enum watch_source watch_source;
	bool is_confined;
	struct config_list watch; /* struct watch_config; the defaults when the file has none */
	bool watches_self;
	struct {
		size_t count;
		struct watch_config *item;
	} own; /* as own_paths_find has found them */
	struct {
		int64_t round_ns;
	} audit;
	struct {
		int64_t interval_ns;
		struct config_texts apps; /* absolute paths */
		int64_t apps_interval_ns;
	} inventory;
	struct {
		const char *root;
	} packages;
	struct {
		uint64_t cpu_percent;
		uint64_t hash_mb_per_s;
		uint64_t spool_mb;
		uint64_t file_mb;
		uint64_t diff_kb;
		uint64_t busy_per_min;
	} limits;
};

extern const struct config_key AGENT_CONFIG[];

/* Reads and checks the file; ERR_CONFIG names file, line and key. */
int agent_config_load(
        const char *file, struct arena *arena, struct agent_config *out, struct reason *out_why);
/* Without the key `collector` it is the one that this host was enrolled at; ERR_MISSING when it was
 * at none. */
int agent_config_find_collector(
        struct agent_config *config, struct arena *arena, struct reason *out_why);

#endif
