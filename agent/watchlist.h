/*
 * watchlist - the configured paths as the filter is to have them: where one is a link, what it
 * leads to is watched as well, under its real path, with the same options.
 *
 *   configured path                      entries
 *   a link (/bin on a merged-usr system) itself, and the real path of its target
 *   below a link (/lib/systemd)          itself; none, when another entry covers the real path
 *   anything else, or nothing            itself
 *
 * A target that another entry covers gets no entry of its own; nor does what the agent watches of
 * itself (own_paths.h) when an entry of the configuration covers it, unless it has rules of its
 * own. Where links lead is asked once, at watchlist_new; watchlist_is_current asks again.
 *
 * Life     watchlist_new -> questions -> watchlist_free.
 * Owner    the configuration outlives it.
 * Errors   those of filter_new.
 */
#ifndef TSUJIBAN_AGENT_WATCHLIST_H
#define TSUJIBAN_AGENT_WATCHLIST_H

#include "agent/config.h"
#include "agent/fim/filter.h"
#include "common/base/err.h"

struct watchlist_link {
	const char *path; /* as configured */
	char *target;     /* its real path */
	bool is_link;     /* not only below one */
};

struct watchlist {
	const struct agent_config *config;
	const struct watch_config **item; /* that are watched: configured, then own */
	size_t item_count;
	struct watch_entry *entry;
	size_t count;
	struct watchlist_link *link;
	size_t link_count;
};

int watchlist_new(
        const struct agent_config *config, struct watchlist **out, struct reason *out_why);
void watchlist_free(struct watchlist *list);

/* Whether every configured path still leads where it led. */
bool watchlist_is_current(const struct watchlist *list);

#endif
