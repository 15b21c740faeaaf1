/*
 * roll - who is who among the processes: read from /proc when somebody asks, and kept up to date by
 * what the proc connector tells.
 *
 * A process that was born before our eyes is known without being read: until it runs another
 * program it is what its parent was at that moment. One that runs another program is read at once,
 * because it may be gone when somebody asks. One that has ended is remembered for ROLL_ENDED_NS:
 * what it did may still be on its way.
 *
 * Without the connector (or after it lost something, until the process was looked at again) what is
 * known is compared with /proc/PID/stat first: its start tells whether the number was used again,
 * its stack whether it runs another program.
 *
 * Memory   at most ROLL_PROCESSES of them and ROLL_BYTES; those that were not asked about for the
 *          longest time go first.
 *
 * Life     roll_new -> (hear | ask)* -> roll_free.
 * Owner    one reference to each witness; one that is given out is the roll's until the next call,
 *          unless it is kept.
 * Units    now_ns and at_ns are CLOCK_MONOTONIC.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_WHO_ROLL_H
#define TSUJIBAN_AGENT_WHO_ROLL_H

#include "agent/touch/witness.h"
#include "agent/who/proc_news.h"

#define ROLL_PROCESSES 4096
#define ROLL_BYTES     (2u << 20)
#define ROLL_ENDED_NS  10000000000ULL

struct names;
struct roll;

/* "/proc", and the host's user names (borrowed). */
struct roll *roll_new(const char *proc, struct names *names);
void roll_free(struct roll *roll);

/* From now on every birth, program and end is told. */
void roll_set_told(struct roll *roll);
/* Something was not told: all that is known has to be looked at again when it is asked for. */
void roll_doubt(struct roll *roll);
/* Returns whether /proc was read for it. */
bool roll_hear(struct roll *roll, const struct proc_news *news, uint64_t now_ns);

/* Who has this number; `pidfd` (-1: none) proves that it still has. Never NULL. */
struct witness *roll_ask(struct roll *roll, uint32_t pid, int pidfd, uint64_t now_ns);
/* Whether it is known and has not ended, as far as was told. */
bool roll_has_alive(const struct roll *roll, uint32_t pid);
/* A witness of whom only the number is known. */
struct witness *roll_nobody(struct roll *roll, uint32_t pid);
size_t roll_count(const struct roll *roll);

#endif
