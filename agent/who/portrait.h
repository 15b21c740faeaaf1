/*
 * portrait - what is known of a process, as a witness.
 *
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_WHO_PORTRAIT_H
#define TSUJIBAN_AGENT_WHO_PORTRAIT_H

#include "agent/touch/witness.h"
#include "agent/who/proc_read.h"

struct names;

/* From what /proc says. `parent` (may be NULL) is put before its own parents; `born_ns` (wall
 * clock, 0: unknown) is better than the start that /proc tells to a hundredth of a second. One that
 * has ended when it was read is known without program and arguments, but by its short name. */
struct witness *portrait_of_facts(const struct proc_facts *facts, const struct witness *parent,
        int64_t born_ns, struct names *names);
/* A child that runs its parent's program still. */
struct witness *portrait_of_child(uint32_t pid, int64_t born_ns, const struct witness *parent);
/* Itself, running a program that nobody could ask for any more. */
struct witness *portrait_of_lost(const struct witness *before);
/* Itself with another effective user or group. */
struct witness *portrait_with_user(
        const struct witness *before, uint32_t uid, uint32_t gid, struct names *names);

#endif
