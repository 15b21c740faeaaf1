/*
 * who - which process it was: from the number that came with an event to the actor.
 *
 * Two ways of knowing. "proc only": /proc/PID is read when an event names the process; one that has
 * ended by then is known by its number alone. "proc connector": the kernel tells of births,
 * programs and ends as well, so that a process is known before it acts (see roll.h). The programs
 * wake the agent, as many as EXECS_PER_S; births and ends wait in the socket until there is such a
 * wake-up or a question.
 *
 * Life     who_new -> of* -> who_free.
 * Owner    the witness that who_of returns is borrowed until the next call, unless it is kept.
 * Errors   none: what cannot be learnt is said in the witness.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_WHO_WHO_H
#define TSUJIBAN_AGENT_WHO_WHO_H

#include "agent/touch/witness.h"
#include "common/io/loop.h"

struct who;

struct who *who_new(struct loop *loop);
void who_free(struct who *who);
/* Opens the connector if the privileges are there; who_of does it when nobody has. */
void who_start(struct who *who);

/* NULL only for what is no process of ours: a number that is not positive (it lives in another pid
 * namespace). `pidfd` may be -1. */
struct witness *who_of(struct who *who, int pid, int pidfd);
/* Of one that still lived when it was asked for the answer is kept until this call, since a burst
 * names one process over and over. To be called before questions about anything that happened after
 * the last answer. */
void who_forget_asked(struct who *who);
/* The same of whoever is no part of a burst, with what is known and /proc; starts nothing. */
struct witness *who_look(struct who *who, int pid);
/* "proc connector", "proc only: WHY"; for status. */
const char *who_source_name(const struct who *who);

#endif
