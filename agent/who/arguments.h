/*
 * arguments - reads /proc/PID/cmdline so that nobody can hold us up by it.
 *
 * The kernel takes the arguments out of the process's own memory. Who maps a file of a FUSE file
 * system of his own over them can let that take for ever, and no signal but the fatal one ends
 * such a read: on the loop it would be the end of all watching. So a thread of its own reads,
 * and whoever asks waits ARGUMENTS_WAIT_MS at most once it has its turn. While it is stuck all go
 * without arguments.
 *
 * Life     arguments_new -> read* -> arguments_free; a stuck thread is left behind with what
 *          it holds. It is made when it is first needed.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_WHO_ARGUMENTS_H
#define TSUJIBAN_AGENT_WHO_ARGUMENTS_H

#include "common/base/slice.h"
#include "common/model/actor.h"

#define ARGUMENTS_WAIT_MS 50

struct arguments;

struct arguments *arguments_new(void);
void arguments_free(struct arguments *arguments);

/* The first bytes of `cmdline` in the directory of a process, as they stand there; absent: they
 * cannot be had. Borrowed until the next call. */
struct slice arguments_read(struct arguments *arguments, int dir);

#endif
