/*
 * rpmdb - reads rpm's database of installed packages, in each of its three formats, without rpm.
 *
 *	var/lib/rpm, usr/lib/sysimage/rpm, usr/share/rpm: the first that has
 *
 *	rpmdb.sqlite	table Packages (hnum, blob)
 *	Packages.db	ndb: slots "Slot", blobs "BlbS"
 *	Packages	Berkeley DB hash: buckets, and overflow pages for what is larger
 *
 * Nothing is ever written below those directories, also not a -shm beside a database in WAL mode:
 * one whose writer is at work, or was killed, is read as a copy in memory.
 *
 * Life     rpmdb_open -> rpmdb_each -> rpmdb_close.
 * Errors   ERR_MISSING: there is no rpm database; ERR_FORMAT: the file, the place in it and what is
 *          wrong; ERR_BUSY: it was written to while it was read, once more is worth a try;
 *          ERR_LIMIT: a cap below.
 * Memory   one header at a time, at most RPM_DATA_MAX; of ndb a table of 16 bytes a package.
 * Thread   any one at a time: a worker.
 */
#ifndef TSUJIBAN_AGENT_RPMDB_RPMDB_H
#define TSUJIBAN_AGENT_RPMDB_RPMDB_H

#include "agent/rpmdb/rpm_header.h"

#define RPMDB_PACKAGES_MAX 1000000u

struct rpmdb;

/* `root`: "" or a directory without a trailing slash. */
int rpmdb_open(const char *root, struct rpmdb **out, struct reason *out_why);
/* The file that is read, with the root: for messages. */
const char *rpmdb_path(const struct rpmdb *db);
/* Once for every installed package but the keys ("gpg-pubkey"); `header` lives until `each`
 * returns, and less than 0 from it ends the reading and is returned. A header that cannot be
 * opened is passed over with a warning that names its number. */
int rpmdb_each(struct rpmdb *db, int (*each)(void *ctx, const struct rpm_header *header), void *ctx,
        struct reason *out_why);
void rpmdb_close(struct rpmdb *db);

#endif
