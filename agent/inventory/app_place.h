/*
 * app_place - where application packages are looked for: the configured directories, and which of
 * those below them are gone into.
 *
 * A link is not followed, but for those on the way to a configured directory. File systems that
 * have no files of their own, that are elsewhere (a network, a user's program) or that would only
 * be mounted by looking are not gone into; a configured directory itself may lie on one.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_INVENTORY_APP_PLACE_H
#define TSUJIBAN_AGENT_INVENTORY_APP_PLACE_H

#include <sys/types.h>

#include "common/base/err.h"
#include "common/base/slice.h"

#define APP_DEPTH_MAX 64 /* below a configured directory; each level holds a descriptor */

/* The configured directories as they are really called on the host; each once, those that are not
 * there left out. */
struct app_bases {
	size_t count;
	char **path;
};

/* Follows links within `root`. */
void app_bases_init(
        struct app_bases *bases, const char *root, const char *const *path, size_t count);
void app_bases_fini(struct app_bases *bases);
/* The deepest that has `path` at or below it; NULL: none. */
const char *app_bases_of(const struct app_bases *bases, struct slice path);
/* Whether it is one of them. */
bool app_bases_has(const struct app_bases *bases, struct slice path);

bool app_path_is_at_or_below(struct slice path, struct slice dir);

/* An open directory. */
struct app_place {
	int fd; /* the caller's to close */
	dev_t device;
};

/* `base` below `root`; negative errno. */
int app_place_open(const char *root, const char *base, struct app_place *out);
/* The directory `name` of `parent`, whose path on the host is `path`. ERR_MISSING: there is no such
 * directory, or it is not gone into; other negative: it cannot be looked into. */
int app_place_enter(
        const struct app_place *parent, const char *name, struct slice path, struct app_place *out);

#endif
