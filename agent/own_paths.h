/*
 * own_paths - what the agent watches of itself, whatever else it is told to watch.
 *
 *   its program              as the kernel names it
 *   its configuration        the file it was started with
 *   its units                where systemd looks for them, with their drop-ins
 *   its state directory      key, certificates and the like: the direct entries, without those that
 *                            it writes all the time; of the store itself only that it is there
 *
 * Each is an entry like those of the configuration, unless an entry of the configuration covers it
 * already. What does not exist is waited for.
 *
 * Owner    the entries live in the arena.
 */
#ifndef TSUJIBAN_AGENT_OWN_PATHS_H
#define TSUJIBAN_AGENT_OWN_PATHS_H

#include "agent/config.h"

/* Sets config->own. ERR_LIMIT: the arena is full. */
int own_paths_find(struct agent_config *config, const char *config_file, struct arena *arena,
        struct reason *out_why);

#endif
