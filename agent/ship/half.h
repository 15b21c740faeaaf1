/*
 * half - the process that sends: its end of the channel, and nothing else.
 *
 * Errors   ERR_CONFIG when it was not started by an agent.
 * Thread   runs a loop of its own; returns when the reading half is gone.
 */
#ifndef TSUJIBAN_AGENT_SHIP_HALF_H
#define TSUJIBAN_AGENT_SHIP_HALF_H

#include "common/base/err.h"

/* `fd` is the sender's end of a channel. */
int half_run(int fd, struct reason *out_why);

#endif
