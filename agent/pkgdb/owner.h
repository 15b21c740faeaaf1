/*
 * owner - which system packages some paths belong to.
 *
 * All paths are asked for first and looked up together, in one reading of the package databases
 * below `root` (dpkg: info/PACKAGE.list; rpm: the headers; apk: installed; pacman: files of each
 * package), so that nothing is kept in memory between readings. A path is found under its own name
 * and, where /bin, /sbin and /lib* are links into /usr, under the other one too.
 *
 * Life     owners_new -> owners_want* -> owners_resolve -> owners_of* -> owners_free.
 * Owner    the arena holds it all.
 * Errors   a database that cannot be read is an error with a reason; what was found until then
 *          stays.
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_PKGDB_OWNER_H
#define TSUJIBAN_AGENT_PKGDB_OWNER_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/slice.h"

struct owners;

struct owner {
	struct slice package; /* "dpkg:NAME", "rpm:NAME", …; absent: nobody's */
	struct slice version; /* installed now */
};

struct owners *owners_new(struct arena *arena);
void owners_free(struct owners *owners);
/* ERR_LIMIT when the arena is full. */
int owners_want(struct owners *owners, struct slice path);
int owners_resolve(struct owners *owners, const char *root, struct reason *out_why);
/* Of a path that was wanted. */
struct owner owners_of(const struct owners *owners, struct slice path);

#endif
