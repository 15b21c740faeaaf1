/*
 * holds - packages that their manager is told to leave as they are, where its database does not
 * say so.
 *
 *   rpm      dnf's and yum's versionlock.list, and versionlock.toml: the names; exclude= and
 *            excludepkgs= of [main] in dnf.conf and yum.conf; zypper's locks
 *   apk      /etc/apk/world: what is pinned to a version (=, <, >, ~)
 *   pacman   IgnorePkg= and IgnoreGroup= of [options] in pacman.conf, not what it includes
 *
 * A file that is not there holds nothing; one that cannot be read, or is longer than
 * HOLDS_BYTES_MAX, is told of and holds nothing.
 *
 * Life     holds_read -> holds_has* -> holds_fini.
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_PKGDB_HOLDS_H
#define TSUJIBAN_AGENT_PKGDB_HOLDS_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/factlist.h"

#define HOLDS_BYTES_MAX (1u << 20)
#define HOLDS_MAX       4096 /* further ones are left out */

/* Patterns with '*', '?' and [], each ended by a NUL byte. */
struct holds {
	struct buf patterns;
	size_t count;
};
#define HOLDS_INIT ((struct holds){.patterns = BUF_INIT})

/* 0; SOURCE_PARTIAL: the others were read. */
int holds_read_rpm(const char *root, struct holds *out, struct reason *out_why);
int holds_read_apk(const char *root, struct holds *out, struct reason *out_why);
/* `out_groups`: what is held by the name of a group. */
int holds_read_pacman(
        const char *root, struct holds *out, struct holds *out_groups, struct reason *out_why);
void holds_fini(struct holds *holds);

/* `full`: how its manager names this very build, as "bash-5.2.15-3.fc38.x86_64"; may be absent. */
bool holds_has(const struct holds *holds, struct slice name, struct slice full);
/* Of the facts from `first` on each package whose name is held says so. */
void holds_mark(const struct holds *holds, struct fact_list *facts, size_t first);

/* The parsers alone, for tests and fuzzing. */
void holds_take_versionlock(struct holds *holds, struct slice text);
void holds_take_toml(struct holds *holds, struct slice text);
void holds_take_zypp(struct holds *holds, struct slice text);
void holds_take_world(struct holds *holds, struct slice text);
/* The values of `keys` (ended by NULL) in one section of an INI file, by blanks and commas. */
void holds_take_ini(
        struct holds *holds, struct slice text, const char *section, const char *const *keys);

#endif
