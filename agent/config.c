#include "agent/config.h"

#include <stddef.h>

#include "agent/identity/identity.h"
#include "common/base/glob.h"

static const struct config_key WATCH[] = {
        {.name = "path",
                .type = CONFIG_PATH,
                .offset = offsetof(struct watch_config, path),
                .required = true,
                .help = "file or directory; it may come to exist later"},
        {.name = "recursive",
                .type = CONFIG_BOOL,
                .offset = offsetof(struct watch_config, recursive),
                .fallback = "true",
                .help = "everything below it, not only its direct entries"},
        {.name = "exclude",
                .type = CONFIG_TEXTS,
                .offset = offsetof(struct watch_config, exclude),
                .help = "patterns as in gitignore(5): with a slash anchored, ** crosses "
                        "directories"},
        {.name = "diff",
                .type = CONFIG_BOOL,
                .offset = offsetof(struct watch_config, diff),
                .fallback = "false",
                .help = "the events of changed text files show what changed; for that a copy "
                        "of each is kept in state_dir"},
        {.name = "nodiff",
                .type = CONFIG_TEXTS,
                .offset = offsetof(struct watch_config, nodiff),
                .help = "patterns of files that no copy is kept of, as in exclude; before them "
                        "stand those for shadow, *.key, *.pem and host keys, which a pattern "
                        "with ! takes back"},
        {.name = "@line", .type = CONFIG_U64, .offset = offsetof(struct watch_config, line)},
        {0},
};

static const struct config_key AUDIT[] = {
        {.name = "round",
                .type = CONFIG_DURATION,
                .offset = offsetof(struct agent_config, audit.round_ns) -
                          offsetof(struct agent_config, audit),
                .fallback = "7d",
                .max = 366 * UINT64_C(86400),
                .help = "in which everything known is read again, slowly; 0s: never"},
        {0},
};

static const struct config_key INVENTORY[] = {
        {.name = "interval",
                .type = CONFIG_DURATION,
                .offset = offsetof(struct agent_config, inventory.interval_ns) -
                          offsetof(struct agent_config, inventory),
                .fallback = "1h",
                .min = 10,
                .max = 7 * UINT64_C(86400),
                .help = "between two passes when no package database has changed"},
        {.name = "apps",
                .type = CONFIG_PATHS,
                .offset = offsetof(struct agent_config, inventory.apps) -
                          offsetof(struct agent_config, inventory),
                .fallback = "[/usr, /opt]",
                .help = "directories below which application packages are looked for (python, "
                        "node, java, …); customers' homes and web roots are for you to add; "
                        "[]: none"},
        {.name = "apps_interval",
                .type = CONFIG_DURATION,
                .offset = offsetof(struct agent_config, inventory.apps_interval_ns) -
                          offsetof(struct agent_config, inventory),
                .fallback = "24h",
                .min = 60,
                .max = 366 * UINT64_C(86400),
                .help = "between two walks for them; what is watched is found at once"},
        {0},
};

static const struct config_key PACKAGES[] = {
        {.name = "root",
                .type = CONFIG_PATH,
                .offset = offsetof(struct agent_config, packages.root) -
                          offsetof(struct agent_config, packages),
                .fallback = "/",
                .help = "of the system whose package database explains changes; not / for one "
                        "in a chroot"},
        {0},
};

#define LIMIT(field)                                            \
	.offset = offsetof(struct agent_config, limits.field) - \
	          offsetof(struct agent_config, limits)

static const struct config_key LIMITS[] = {
        {.name = "cpu_percent",
                .type = CONFIG_U64,
                LIMIT(cpu_percent),
                .fallback = "20",
                .min = 0,
                .max = 6400,
                .help = "of one core, for scans and the audit; 0: no limit"},
        {.name = "hash_mb_per_s",
                .type = CONFIG_U64,
                LIMIT(hash_mb_per_s),
                .fallback = "100",
                .min = 0,
                .max = 100000,
                .help = "read for hashing by scans and the audit; 0: no limit"},
        {.name = "spool_mb",
                .type = CONFIG_U64,
                LIMIT(spool_mb),
                .fallback = "256",
                .min = 1,
                .max = 8192,
                .help = "events kept while the collector is away; then reading waits"},
        {.name = "file_mb",
                .type = CONFIG_U64,
                LIMIT(file_mb),
                .fallback = "1024",
                .min = 1,
                .max = 1u << 20,
                .help = "larger files are watched but not hashed"},
        {.name = "diff_kb",
                .type = CONFIG_U64,
                LIMIT(diff_kb),
                .fallback = "64",
                .min = 1,
                .max = 1024,
                .help = "larger files have no text diff"},
        {.name = "busy_per_min",
                .type = CONFIG_U64,
                LIMIT(busy_per_min),
                .fallback = "15",
                .min = 0,
                .max = 100000,
                .help = "events of one path; beyond it there is one in 10 to 60 s, with a count; "
                        "0: never"},
        {0},
};

const struct config_key AGENT_CONFIG[] = {
        {.name = "collector",
                .type = CONFIG_ADDRESS,
                .offset = offsetof(struct agent_config, collector),
                .help = "HOST:PORT of the collector; without it the one that this host was "
                        "enrolled at"},
        {.name = "state_dir",
                .type = CONFIG_PATH,
                .offset = offsetof(struct agent_config, state_dir),
                .required = true,
                .help = "baseline, spool, key and certificate"},
        {.name = "labels",
                .type = CONFIG_PAIRS,
                .offset = offsetof(struct agent_config, labels),
                .help = "what the fleet can be searched by: env, role, …"},
        {.name = "source",
                .type = CONFIG_TEXT,
                .offset = offsetof(struct agent_config, source),
                .fallback = "auto",
                .help = "of file events: auto, inotify, or fanotify (names the process; "
                        "falls back by itself)"},
        {.name = "confine",
                .type = CONFIG_SWITCH,
                .offset = offsetof(struct agent_config, is_confined),
                .fallback = "on",
                .help = "give up capabilities, system calls and paths that are not needed; "
                        "off only where the kernel cannot do it"},
        {.name = "watch",
                .type = CONFIG_LIST,
                .offset = offsetof(struct agent_config, watch),
                .rows = WATCH,
                .item_size = sizeof(struct watch_config),
                .help = "what is watched; without it /etc, /boot, /usr/bin and the like"},
        {.name = "watch_self",
                .type = CONFIG_SWITCH,
                .offset = offsetof(struct agent_config, watches_self),
                .fallback = "on",
                .help = "besides, the agent's own program, configuration, units and keys"},
        {.name = "audit",
                .type = CONFIG_SECTION,
                .offset = offsetof(struct agent_config, audit),
                .rows = AUDIT,
                .help = "finds what no event told of"},
        {.name = "inventory",
                .type = CONFIG_SECTION,
                .offset = offsetof(struct agent_config, inventory),
                .rows = INVENTORY,
                .help = "packages, kernels, system"},
        {.name = "packages",
                .type = CONFIG_SECTION,
                .offset = offsetof(struct agent_config, packages),
                .rows = PACKAGES,
                .help = "changes that package managers explain"},
        {.name = "limits",
                .type = CONFIG_SECTION,
                .offset = offsetof(struct agent_config, limits),
                .rows = LIMITS,
                .help = "what the agent may use"},
        {0},
};

/* What a server's owner expects to be watched. Merged-usr links among them are only links. */
static const char *const DEFAULT_PATHS[] = {
        "/etc",
        "/boot",
        "/bin",
        "/sbin",
        "/usr/bin",
        "/usr/sbin",
        "/usr/local/bin",
        "/usr/local/sbin",
        "/usr/lib/systemd",
        "/lib/systemd",
        "/root/.ssh",
        "/var/spool/cron",
};

static int watch_defaults(struct arena *arena, struct agent_config *config, struct reason *out_why)
{
	size_t count = sizeof DEFAULT_PATHS / sizeof DEFAULT_PATHS[0];
	struct watch_config *item = arena_alloc_zeroed(arena, count, sizeof *item);
	if (!item)
		return fail(out_why, ERR_LIMIT, "cannot read configuration: it is too large");
	for (size_t i = 0; i < count; i++) {
		item[i].path = DEFAULT_PATHS[i];
		item[i].recursive = true;
	}
	config->watch = (struct config_list){.count = count, .item = item};
	return 0;
}

static int refuse_entry(const char *file, const struct watch_config *entry, const char *key,
        const char *value, const char *problem, struct reason *out_why)
{
	return fail(out_why, ERR_CONFIG, "%s:%llu: key 'watch.%s': '%s' %s", file,
	        (unsigned long long)entry->line, key, value, problem);
}

static int check_patterns(const char *file, const struct watch_config *entry, const char *key,
        const struct config_texts *patterns, struct reason *out_why)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (!patterns->item[i][0] || !glob_is_valid(slice_text(patterns->item[i])))
			return refuse_entry(file, entry, key, patterns->item[i],
			        "is no valid pattern", out_why);
	return 0;
}

static int check_entries(const char *file, const struct config_list *list, struct reason *out_why)
{
	const struct watch_config *entry = list->item;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < list->count; i++) {
		for (size_t j = 0; rc == 0 && j < i; j++)
			if (strcmp(entry[i].path, entry[j].path) == 0)
				rc = refuse_entry(file, &entry[i], "path", entry[i].path,
				        "is given twice", out_why);
		if (rc == 0)
			rc = check_patterns(file, &entry[i], "exclude", &entry[i].exclude, out_why);
		if (rc == 0)
			rc = check_patterns(file, &entry[i], "nodiff", &entry[i].nodiff, out_why);
	}
	return rc;
}

static int take_source(const char *file, struct agent_config *config, struct reason *out_why)
{
	static const struct {
		const char *name;
		enum watch_source source;
	} SOURCES[] = {
	        {"auto", WATCH_AUTO}, {"inotify", WATCH_INOTIFY}, {"fanotify", WATCH_FANOTIFY}};
	for (size_t i = 0; i < sizeof SOURCES / sizeof SOURCES[0]; i++) {
		if (strcmp(config->source, SOURCES[i].name) != 0)
			continue;
		config->watch_source = SOURCES[i].source;
		return 0;
	}
	return fail(out_why, ERR_CONFIG,
	        "%s: key 'source': '%s' is none of auto, inotify, fanotify", file, config->source);
}

int agent_config_load(
        const char *file, struct arena *arena, struct agent_config *out, struct reason *out_why)
{
	*out = (struct agent_config){0};
	int rc = config_load(file, AGENT_CONFIG, arena, out, out_why);
	if (rc == 0 && !out->watch.item)
		rc = watch_defaults(arena, out, out_why);
	else if (rc == 0 && out->watch.count == 0)
		rc = fail(out_why, ERR_CONFIG,
		        "%s: key 'watch': the list is empty (leave the key out for the defaults)",
		        file);
	if (rc == 0)
		rc = take_source(file, out, out_why);
	return rc != 0 ? rc : check_entries(file, &out->watch, out_why);
}

int agent_config_find_collector(
        struct agent_config *config, struct arena *arena, struct reason *out_why)
{
	struct buf address = BUF_INIT;
	int rc = 0;
	if (!config->collector)
		rc = identity_load_collector(config->state_dir, &address, out_why);
	if (rc == 0 && !config->collector)
		config->collector = arena_text(arena, buf_slice(&address));
	buf_fini(&address);
	return rc;
}
