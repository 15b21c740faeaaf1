/*
 * dpkg_survey - the look at dpkg's log and database: what was done since the last look, what the
 * packages concerned say of paths, and what changed in the database that the log does not account
 * for.
 *
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_DPKG_SURVEY_H
#define TSUJIBAN_AGENT_PACKAGES_DPKG_SURVEY_H

#include "agent/packages/survey.h"

/* As manager.h says of `look`. */
int dpkg_look(struct survey *survey, struct kv_txn *txn);

#endif
