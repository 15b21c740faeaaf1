/*
 * launcher - a process that starts the half that sends.
 *
 * A filter of system calls is inherited: what the reading half starts once it is confined could
 * never open a connection. So a process is forked before, which does nothing but start the sending
 * half when it is asked to, and tell when that has ended.
 *
 * Life     launcher_start before there are threads -> (launch -> hear)* -> launcher_stop, which
 *          waits a moment for the sending half to end: it does when its channel is closed. Both
 *          processes die with the one that called launcher_start.
 * Errors   launch, hear: ERR_CLOSED when the launcher is gone; -errno.
 * Thread   the caller's.
 */
#ifndef TSUJIBAN_AGENT_SENDER_LAUNCHER_H
#define TSUJIBAN_AGENT_SENDER_LAUNCHER_H

#include <stdbool.h>

#include "common/base/err.h"

#define LAUNCHER_SEAM_FD 3 /* where the sending half finds its end of the channel */
#define LAUNCHER_COMMAND "send"
#define LAUNCHER_AGAIN   75 /* it ends with this when it only wants to be started again */

struct launcher;

/* What became of the sending half. */
struct launcher_news {
	int pid;
	bool is_ended;
	int status; /* as waitpid(2) tells it */
};

/* `word` is the second of the sending half's command line. `confine` (or NULL) is called in the new
 * process, which ends when it fails. */
int launcher_start(const char *word, int (*confine)(struct reason *out_why), struct launcher **out,
        struct reason *out_why);
void launcher_stop(struct launcher *launcher);

/* Asks for the sending half with this end of the channel, which is closed here. One that still runs
 * is ended first. */
int launcher_launch(struct launcher *launcher, int fd);
/* Ends it, if it runs; `hear` tells. */
void launcher_kill(struct launcher *launcher);
/* Readable when there is news. */
int launcher_fd(const struct launcher *launcher);
/* 1: there was some; 0: not yet. */
int launcher_hear(struct launcher *launcher, struct launcher_news *out);

#endif
