/*
 * footing - the watched directory that a path stands in: nothing is kept of a path whose directory
 * is not kept.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_FIM_FOOTING_H
#define TSUJIBAN_AGENT_FIM_FOOTING_H

#include "agent/fim/filter.h"

/* The directory above; absent for "/". Borrowed from `path`, as the next. */
struct slice footing_parent(struct slice path);
/* The same, absent when the directory is itself not watched, as above a root. */
struct slice footing_of(const struct filter *filter, struct slice path);
/* Whether all watched directories on the way to `path` are directories on disk now, not links. */
bool footing_is_there(const struct filter *filter, struct slice path);
/* Whether the directory that was opened as `dir` stands at this path itself, and was not reached
 * through something that has become a link since. */
bool footing_is_direct(const struct filter *filter, const char *dir, int fd);

#endif
