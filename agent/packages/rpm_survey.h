/*
 * rpm_survey - the look at rpm's database: what was done since the last look, by what is in it now
 * and what was known (rpm_ledger.h), since rpm has no log.
 *
 *	another time, or number, of installation    installed, upgraded or once more
 *	no entry any more                           removed, or the older of an upgrade
 *	another entry, the same installation        nobody's run: told as unlogged
 *	the digest over what the package brought    likewise, once; and it explains nothing
 *	does not fit (rpm_region.h)
 *
 * and if nobody has held rpm's lock since the last look, which would have been seen, then the first
 * two are no run's work either.
 *
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_RPM_SURVEY_H
#define TSUJIBAN_AGENT_PACKAGES_RPM_SURVEY_H

#include "agent/packages/survey.h"
#include "agent/rpmdb/rpm_header.h"

/* As manager.h says of `look`. */
int rpm_look(struct survey *survey, struct kv_txn *txn);

/* The same over any headers. */
struct rpm_source {
	const char *path; /* of the database, without the root: for what is told */
	int (*each)(const struct rpm_source *source,
	        int (*take)(void *ctx, const struct rpm_header *header), void *ctx,
	        struct reason *out_why);
};
int rpm_look_over(struct survey *survey, struct kv_txn *txn, const struct rpm_source *source);

#endif
