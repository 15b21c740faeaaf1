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
 * what a writer has committed to its log, and was killed before it copied it, is read from there.
 * No lock is taken: a reading is of one moment, or ERR_BUSY, and then what `each` was told is void.
 *
 * Life     rpmdb_open -> rpmdb_each -> rpmdb_close.
 * Errors   ERR_MISSING: there is no rpm database; ERR_FORMAT: the file, the place in it and what is
 *          wrong; ERR_BUSY: it was written to while it was read, once more is worth a try;
 *          ERR_VERSION: an ndb of a newer rpm; ERR_LIMIT: a cap; else what the system said.
 * Memory   one header at a time, at most RPM_DATA_MAX; of ndb a table of 16 bytes a package, of a
 *          log 8 bytes a page.
 * Time     each page and block of the file is paid for once or twice, whatever it says of others.
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
 * opened is passed over with a warning that names its number (the first ten of a reading). 0, or
 * how many were passed over. */
int rpmdb_each(struct rpmdb *db, int (*each)(void *ctx, const struct rpm_header *header), void *ctx,
        struct reason *out_why);
void rpmdb_close(struct rpmdb *db);

#endif
