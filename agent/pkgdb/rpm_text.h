/*
 * rpm_text - what the sources of facts need of rpm's database beyond agent/rpmdb.
 *
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_PKGDB_RPM_TEXT_H
#define TSUJIBAN_AGENT_PKGDB_RPM_TEXT_H

#include "agent/rpmdb/rpm_header.h"
#include "common/base/buf.h"

/* As rpmdb_each (0, or how many packages were passed over), and begins once more (after `again`,
 * which may be NULL: what was told so far is void) when the database was written to meanwhile.
 * ERR_MISSING: there is none. */
int rpm_each(const char *root, int (*each)(void *ctx, const struct rpm_header *header),
        void (*again)(void *ctx), void *ctx, struct reason *out_why);

/* "epoch:version-release"; "epoch:" is left out when there is none or when it is 0, which is the
 * same to rpm. */
void rpm_append_evr(struct buf *out, const struct rpm_header *header);
/* "version-release". */
void rpm_append_vr(struct buf *out, const struct rpm_header *header);

/* Leaves what stands before the dash before the last: of NAME-VERSION-RELEASE the name. False:
 * there are no two, or nothing stands between or beside them. */
bool rpm_cut_at_second_dash(struct slice *text);
/* "bash-5.2.15-3.fc38.src.rpm" is bash of 5.2.15-3.fc38; false: it is of another form. */
bool rpm_split_source(struct slice file, struct slice *out_name, struct slice *out_version);

#endif
