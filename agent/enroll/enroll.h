/*
 * enroll - makes this host known to a collector: a key of its own, a certificate for it, the
 * collector's CA.
 *
 * Writes DIR/agent.key (0600), ca.crt, collector and, last, agent.crt, and never over a working
 * identity: with an agent.crt in DIR it refuses (ERR_EXISTS) unless the certificate has ended. The
 * key never leaves the host.
 *
 * Thread   runs a loop of its own; returns when it is over, 30 s at most.
 */
#ifndef TSUJIBAN_AGENT_ENROLL_ENROLL_H
#define TSUJIBAN_AGENT_ENROLL_ENROLL_H

#include "common/base/buf.h"
#include "common/base/err.h"

struct enroll_options {
	const char *collector; /* HOST:PORT */
	const char *token;
	const char *ca_fingerprint; /* "sha256:…" */
	const char *dir;            /* made when absent, 0700 */
	const char *name;           /* NULL: the host's name */
};

/* The granted name is appended to out_name. */
int enroll(const struct enroll_options *options, struct buf *out_name, struct reason *out_why);

#endif
