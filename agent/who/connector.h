/*
 * connector - a socket on the kernel's proc connector: births, programs, users and ends of
 * processes, in the order in which they happened.
 *
 * A filter in the kernel drops what was not asked for and what is about mere threads, so that none
 * of that takes room or wakes anybody. The kernel speaks to the first user and pid namespace only,
 * and before Linux 6.6 only to those with CAP_NET_ADMIN.
 *
 * Life     connector_open -> drain* -> connector_close.
 * Errors   connector_open: -errno, ERR_REFUSED when the kernel does not let us listen.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_WHO_CONNECTOR_H
#define TSUJIBAN_AGENT_WHO_CONNECTOR_H

#include "agent/who/proc_news.h"

struct connector;
struct reason;

enum connector_kind {
	CONNECTOR_EXECS, /* NEWS_EXECED alone */
	CONNECTOR_LIVES, /* all the others */
};

int connector_open(enum connector_kind kind, struct connector **out, struct reason *out_why);
void connector_close(struct connector *connector);

/* Readable when there is something to drain. */
int connector_fd(const struct connector *connector);
/* Tells all that has come. Returns false when some of it was lost since the last time: the socket
 * had no room. */
bool connector_drain(struct connector *connector,
        void (*tell)(void *ctx, const struct proc_news *news), void *ctx);

#endif
