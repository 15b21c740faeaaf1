/*
 * dpkg_status - the text of dpkg's status file, or of one of a distroless image's status.d, as
 * facts.
 *
 * Errors   ERR_FORMAT with the number of the line; ERR_LIMIT: the arena is full.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_PKGDB_DPKG_STATUS_H
#define TSUJIBAN_AGENT_PKGDB_DPKG_STATUS_H

#include "common/base/err.h"
#include "common/model/factlist.h"

/* In status.d a stanza may lack its status, and the last one its empty line. */
int dpkg_status_parse(
        struct slice text, bool is_status_d, struct fact_list *out, struct reason *out_why);

#endif
