/*
 * half - the process that sends: its end of the channel, and nothing else.
 *
 * Errors   ERR_CONFIG when it was not started by an agent.
 * Thread   runs a loop of its own; returns when the reading half is gone.
 */
#ifndef TSUJIBAN_AGENT_SHIP_HALF_H
#define TSUJIBAN_AGENT_SHIP_HALF_H

#include "common/base/err.h"

struct confine_notes;

/* `fd` is the sender's end of a channel. 1: what it may read is out of date, it wants to be started
 * again. */
int half_run(int fd, const struct confine_notes *confined, struct reason *out_why);

#endif
